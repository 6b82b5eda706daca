"""Public notes as an Atom feed: whole texts, for readers that know neither site nor session."""

import re
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.xmlutils import SimplerXMLGenerator
from django.views.decorators.http import require_safe

from wiki.forms import ListForm
from wiki.models import Note
from wiki.models.note_html import files_of_heads, pages, rendered_heads

NEWEST = 30
# Markup is told from text by its "<", which a text has only escaped.
LOCAL_LINK = re.compile(r'(<[a-z][^<>]*?\s(?:href|src)=")([/#])(?!/)')
NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class NoteFeed(Atom1Feed):
    """Atom with the text of each entry as its content; Django writes summaries only."""

    def add_item_elements(self, handler: SimplerXMLGenerator, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        handler.addQuickElement("content", item["html"], {"type": "html"})


@login_not_required
@require_safe
def atom(request: HttpRequest) -> HttpResponse:
    """The newest public notes that fit the list's filters, the same for every reader."""
    nobody = AnonymousUser()
    form = ListForm(request.GET)
    readable = Note.objects.visible_to(nobody)
    notes = list(form.filtered(readable).last_changed().texts()[:NEWEST])
    folders = {note.pid: note.folder for note in notes}
    rendered = rendered_heads(notes)
    html = pages(rendered, readable, nobody, folders, files_of_heads(notes, rendered))
    site = settings.WIKI_URL or request.build_absolute_uri("/").rstrip("/")
    said = " ".join(filter(None, (form.said.get("tags"), form.said.get("text"))))
    feed = NoteFeed(
        title=_xml(f"Commonplace: {said}" if said else "Commonplace"),
        link=site + reverse("list"),
        description=None,
        feed_url=site + request.get_full_path(),
    )
    for note in notes:
        _add(feed, note, html[note.pid], site)
    return HttpResponse(feed.writeString("utf-8"), content_type=feed.content_type)


def _add(feed: NoteFeed, note: Note, html: str, site: str) -> None:
    url = site + note.get_absolute_url()
    feed.add_item(
        title=_xml(note.title),
        link=url,
        description=None,  # type: ignore[arg-type]  # then Atom has no summary
        # The same whichever of its names the site was asked by.
        unique_id=settings.SITE_URL + note.get_absolute_url(),
        author_name=note.owner.get_username(),
        pubdate=note.created,
        updateddate=note.modified,
        categories=[_xml(tag.name) for tag in note.shown_tags()],
        html=_xml(_absolute(html, site, url)),
    )


def _absolute(html: str, site: str, page: str) -> str:
    """Let links to the site, and to places in the same note, work from anywhere."""
    return LOCAL_LINK.sub(lambda m: m[1] + (site if m[2] == "/" else page) + m[2], html)


def _xml(text: str) -> str:
    """Leave out the characters that XML cannot hold."""
    return NOT_XML.sub("", text)
