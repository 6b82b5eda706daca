"""Every kind of page the site shows, for tests that have to look at all of them.

`make_site` writes the notes that the addresses in KINDS are about. A test asks for each page
as each of its readers: `ask` with Django's client, `visit` in a browser.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.test import Client

from mlhooks import jobs
from tests.wiki.attachments import attach
from tests.wiki.pictures import picture
from wiki.accounts import sign_in_links
from wiki.fields import Fields
from wiki.importers import sample
from wiki.importers.uploads import run
from wiki.importers.uploads.upload_folder import State, Upload
from wiki.measuring.benchmarks.corpus import FORMULAS
from wiki.models import Note, Tag, TagChange

NOBODY, READER, OWNER = "nobody", "reader", "owner"
PASSWORD = "a password for the pages"

# One of everything that a text can hold.
TEXT = r"""
A paragraph with *stress*, **more of it**, `code`, ~~an error~~, a [link](https://example.org/a
"titled"), an address https://example.org/b, a formula $E = mc^2$, a note [[Second]], one that is
not there [[Nowhere at all]], a price of \$5, and a mark of its own.[^why]

## A heading

$$\hat{x} = \sum_{i=1}^{n} \frac{w_i x_i}{\sqrt{d}}$$

| left | middle | right |
|:-----|:------:|------:|
| a    |   $b$  |     1 |
| c    |   d    |    22 |

### A smaller heading

- one
  - two
    - three
- [x] done
- [ ] to do

1. first
2. second

> Quoted, and
>
> > quoted again.

Term
: what it means

```python
def f(x):
    return x + 1  # one more
```

    indented code

![a picture elsewhere](https://example.org/picture.png)

![a wide picture](wide.png), ![[small.png|80]], [a file](file.pdf), ![one that is lost](lost.png).

A broken formula $\frac{1}{$ and an unknown one $\nosuchcommand{x}$.

---

## A heading

[^why]: So that there is a footnote.
"""
FILES = {"wide.png": picture(960, 320), "small.png": picture(160, 90), "file.pdf": b"%PDF-1.7"}
# And what is wider than any page.
WIDE = "\n\n".join(
    [
        f"```\n{'code ' * 60}\n```",
        f"{'| head ' * 20}|\n{'|---' * 20}|\n{'| a_long_word ' * 20}|",
        f"$$x = {' + '.join(f'a_{{{i}}} b_{{{i}}}' for i in range(60))}$$",
    ]
)


@dataclass(frozen=True)
class Kind:
    """A kind of page: how to get there and who sees it.

    path holds numbers by name, as make_site returns them. A form is sent by POST. fault is
    raised while the page is made.
    """

    name: str
    path: str
    readers: tuple[str, ...] = (NOBODY, OWNER)
    status: int = 200
    form: Mapping[str, str] | None = None
    fault: Exception | None = None

    def trouble(self) -> AbstractContextManager[Any]:
        """Return a context in which the page meets its fault, if it is to meet one."""
        if self.fault is None:
            return nullcontext()
        return patch("wiki.views.tags.render", side_effect=self.fault)


EDITED = {
    "title": "Contested",
    "body": "One line, mine.\n",
    "ref": "",
    "tags": "contested",
    "type": "note",
    "visibility": "public",
    "base": "0",
}

KINDS = [
    Kind("list", "/"),
    Kind("list by last change, oldest first", "/?sort=modified&order=asc"),
    Kind("second page of the list", "/?page=2"),
    Kind("filtered list", "/?text=stress&tags=markup&type=paper"),
    Kind("list without a hit", "/?text=nothing-says-this"),
    Kind("list with a hidden note", "/?text=stress&hide={note}"),
    Kind("list with a long note", "/?tags=long"),
    Kind("list to choose from", "/?tags=short&choose=1", (OWNER, READER)),
    Kind(
        "question before publishing",
        "/notes/change/?tags=secret",
        (OWNER,),
        form={"every": "1", "readers": "public", "add": "shown"},
    ),
    Kind("nothing chosen", "/notes/change/", (OWNER,), 422, {"readers": "public"}),
    Kind("printed list", "/print/?text=stress"),
    Kind("note", "/notes/{note}/"),
    Kind("hidden note", "/notes/{note}/?hide={note}"),
    Kind("short note", "/notes/{contested}/"),
    Kind("note full of formulas", "/notes/{formulas}/"),
    Kind("printed note", "/notes/{note}/print/"),
    Kind("history", "/notes/{note}/history/"),
    Kind("revision", "/notes/{note}/r/0/"),
    Kind("head as a revision", "/notes/{note}/r/{head}/"),
    Kind("diff", "/notes/{note}/diff/0/1/"),
    Kind("diff without a difference", "/notes/{note}/diff/0/0/"),
    Kind("search", "/search/"),
    Kind("results", "/search/?q=stress%20nowhere%20type:book"),
    Kind("results by title", "/search/?q=everything%20a%20text%20can%20hold"),
    Kind("second page of results", "/search/?q=short&page=2"),
    Kind("corrected results", "/search/?q=paragraf"),
    Kind("no result", "/search/?q=nothingsaysthis%20tag:markup"),
    Kind("no result because of an operator", "/search/?q=stress%20tag:short%20-short"),
    Kind("tags", "/tags/"),
    Kind("tag", "/tags/markup/"),
    Kind("tidying of a tag", "/tidying/tag/?tag=markup", (OWNER, READER)),
    Kind(
        "tidying refused",
        "/tidying/tag/",
        (OWNER,),
        422,
        {"tag": "markup", "action": "rename", "to": "two words"},
    ),
    Kind(
        "merge of two tags",
        "/tidying/tag/",
        (OWNER,),
        form={"tag": "markup", "action": "rename", "to": "short"},
    ),
    Kind("changes of many notes", "/tidying/", (OWNER,)),
    Kind("no change of many notes", "/tidying/", (READER,)),
    Kind("changes", "/changes/"),
    Kind("links that lead nowhere", "/links/"),
    Kind("notes that nothing links to", "/links/orphans/"),
    Kind("new note", "/notes/new/", (OWNER,)),
    Kind("editor", "/notes/{note}/edit/", (OWNER,)),
    Kind(
        "editor with a preview",
        "/notes/{contested}/edit/",
        (OWNER,),
        form=EDITED | {"preview": "1"},
    ),
    Kind("editor with an error", "/notes/{contested}/edit/", (OWNER,), 422, EDITED | {"title": ""}),
    Kind("conflict", "/notes/{contested}/edit/", (OWNER,), 409, EDITED),
    Kind("files of a note", "/notes/{note}/files/", (OWNER,)),
    Kind("note without files", "/notes/{contested}/files/", (OWNER,)),
    Kind("removal of a file", "/notes/{note}/files/1/remove/", (OWNER,)),
    Kind("restore", "/notes/{note}/restore/0/", (OWNER,)),
    Kind("restore of a private revision", "/notes/{published}/restore/0/", (OWNER,)),
    Kind("import", "/import/", (READER,)),
    Kind("import that was checked", "/import/", (OWNER,)),
    Kind("import without a file", "/import/", (READER,), 422, {"visibility": "private"}),
    Kind("delete", "/notes/{note}/delete/", (OWNER,)),
    Kind("trash", "/trash/", (OWNER,)),
    Kind("empty trash", "/trash/", (READER,)),
    Kind("removal of the samples", "/samples/remove/", (OWNER,)),
    Kind("account", "/account/", (OWNER, READER)),
    Kind("jobs", "/jobs/", (OWNER,)),
    Kind("job", "/jobs/{job}/", (OWNER,)),
    Kind("finished job", "/jobs/{stopped_job}/", (OWNER,)),
    Kind("login", "/login/?next=/notes/{note}/edit/", (NOBODY,)),
    Kind("login refused", "/login/", (NOBODY,), 422, {"username": "owner", "password": "wrong"}),
    Kind("login with a text kept", "/notes/{note}/edit/", (NOBODY,), 403, EDITED),
    Kind(
        "form to send again",
        "/login/",
        (NOBODY,),
        form=EDITED | {"username": "owner", "password": PASSWORD, "send_to": "/notes/new/"},
    ),
    Kind("sign-in link", "/sign-in/{token}/", (NOBODY,)),
    Kind("used sign-in link", "/sign-in/used/", (NOBODY,), 410),
    Kind("not yours", "/notes/{note}/edit/", (READER,), 403),
    Kind("not yours, with a text kept", "/notes/{note}/edit/", (READER,), 403, EDITED),
    Kind("missing", "/notes/999999/", status=404),
    Kind("note in the trash", "/notes/{deleted}/", (OWNER,), 404),
    Kind("too many fields", "/login/", (NOBODY,), 400, {f"field{i}": "" for i in range(300)}),
    Kind("server error", "/tags/", status=500, fault=RuntimeError("planned by a test")),
    Kind("database away", "/tags/", status=503, fault=OperationalError("planned by a test")),
]

# Named addresses that have no page in KINDS, and why.
NO_PAGE = {
    "end_sessions": "answers a form with a redirect",
    "feed": "Atom",
    "file": "a file",
    "healthz": "JSON",
    "cancel_import": "answers a form with a redirect",
    "import_report": "a file",
    "legacy": "answers with a redirect",
    "logout": "answers a form with a redirect",
    "password": "answers a form with a redirect, or with the account page",
    "preview": "a fragment; the editor shows it too",
    "raw": "plain text",
    "readyz": "JSON",
    "suggest": "JSON",
    "tags_differ": "answers a form with a redirect",
    "thumbnail": "a picture",
    "start_import": "answers a form with a redirect",
    "new_files": "JSON, or what the page of a note's files shows after adding one",
    "uploaded": "a file",
    "undo_tidying": "answers a form with a redirect",
    "undelete": "answers a form with a redirect",
    "undelete_samples": "answers a form with a redirect",
    "read_again": "answers a form with a redirect",
    "retry_failed": "answers a form with a redirect",
    "retry_job": "answers a form with a redirect",
    "cancel_job": "answers a form with a redirect",
}


def make_site(owner: Any) -> dict[str, Any]:
    """Write the notes and jobs that KINDS is about; return the numbers in its paths."""
    sample.add_to_empty(lambda: owner)
    for i in range(21):
        write(owner, f"Short {i}", "A short text.\n", ("short",))
    write(owner, "Long", "A paragraph with a [[Second]] link.\n\n" * 200, ("long",))
    write(owner, "Second", "Answers [[Everything a text can hold]].\n", ("markup",))
    note = write(owner, "Everything a text can hold", TEXT + WIDE, ("markup", "C++", "Quoc_Le"))
    for key, content in FILES.items():
        attach(note, key, content)
    other = TEXT.replace("stress", "some stress").replace("| c ", "| e ")
    change(note, other + WIDE, note.visibility)
    formulas = "\n\n".join(f"${tex}$ and $${tex}$$" for tex in FORMULAS).replace("#", "1")
    full = write(owner, "Formulas", formulas, ("markup",))
    contested = write(owner, "Contested", "One line.\n", ("contested",))
    change(contested, "One line, theirs.\n", contested.visibility)
    published = write(owner, "Published", "Not for everybody.\n", (), visibility="private")
    change(published, "For everybody.\n", "public")
    write(owner, "Secret", "For me.\n", ("secret",), visibility="private")
    write(owner, "Alike", "Tags that look like one.\n", ("look_alike", "look-alikes"))
    TagChange.objects.rename("contested", "disputed", author=owner)
    TagChange.objects.add_alias("mark_up", Tag.objects.get(slug="markup"), author=owner)
    deleted = write(owner, "Deleted", "Gone.\n", ())
    deleted.move_to_trash(owner)
    Note.objects.samples().last().move_to_trash(owner)
    upload = Upload(owner)
    upload.receive([b"---\ntags: [not closed\n---\nText.\n"], State(file="A file.md"))
    run.run(upload)
    job, stopped = jobs.request("verify_integrity"), jobs.request("verify_integrity", key="1")
    stopped.cancel()
    # Somebody who never signs in: each sign-in ends the link.
    newcomer = get_user_model().objects.create_user("newcomer")
    return {
        "note": note.pid,
        "head": 1,
        "formulas": full.pid,
        "contested": contested.pid,
        "published": published.pid,
        "deleted": deleted.pid,
        "job": job.pk,
        "stopped_job": stopped.pk,
        "token": sign_in_links.link_for(newcomer).rstrip("/").rpartition("/")[2],
    }


def write(owner: Any, title: str, body: str, tags: tuple[str, ...], **said: str) -> Note:
    """Write a note; public unless said otherwise."""
    rest = {"ref": "Writer-2021.05", "type": "paper", "visibility": "public", **said}
    return Note.objects.write(Fields(title=title, body=body, tags=tags, **rest), owner=owner)


def change(note: Note, body: str, visibility: str) -> None:
    """Save another revision of a note."""
    now = note.current_fields()
    fields = Fields(now.title, body, now.ref, now.type, now.tags, visibility)
    note.save_revision(fields, base=0, author=note.owner, summary="said it otherwise")


def kinds_for(reader: str) -> list[Kind]:
    """Return the kinds of page that this reader sees."""
    return [kind for kind in KINDS if reader in kind.readers]


def ask(client: Client, kind: Kind, numbers: Mapping[str, Any]) -> Any:
    """Return the reply with a page of this kind."""
    path = kind.path.format(**numbers)
    client.raise_request_exception = kind.fault is None
    with kind.trouble():
        reply = client.get(path) if kind.form is None else client.post(path, kind.form)
    assert reply.status_code == kind.status, f"{kind.name}: {reply.status_code}"
    return reply


def visit(page: Any, client: Client, kind: Kind, numbers: Mapping[str, Any]) -> None:
    """Show a page of this kind in a browser that is signed in like the client.

    What answers a form is asked for with the client, and given to the browser with its headers.
    """
    path = kind.path.format(**numbers)
    if kind.form is not None:
        reply = ask(client, kind, numbers)
        headers = {name: value for name, value in reply.items() if name != "Content-Length"}
        page.route(
            f"**{path}",
            lambda route: route.fulfill(
                status=reply.status_code, headers=headers, body=reply.content
            ),
            times=1,
        )
    with kind.trouble():
        reply = page.goto(path)
    assert reply.status == kind.status, f"{kind.name}: {reply.status}"
