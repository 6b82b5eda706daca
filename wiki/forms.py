"""What people type, checked; every error says what to do next."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from wiki.fields import Fields
from wiki.files import store
from wiki.models.note_queryset import NoteQuerySet
from wiki.models.tag import join_tags, parse_tags
from wiki.models.visibility import NoteType, Visibility

MAX_BYTES = 1024 * 1024
READERS = [(Visibility.PRIVATE, "only me"), (Visibility.PUBLIC, "everyone")]
MAX_HIDDEN = 200  # so that an address stays short enough for every server
PID = re.compile(r"[0-9]{1,18}")
CONTROL = {*map(chr, range(32)), "\x7f"} - {"\n", "\t"}


class TagsField(forms.CharField):
    """Tags as one line of words."""

    def clean(self, value: Any) -> Any:
        return tuple(parse_tags(super().clean(value)))


class LineField(forms.CharField):
    """One line: spaces are joined, control characters refused."""

    def clean(self, value: Any) -> Any:
        line = " ".join(str(super().clean(value)).split())
        if CONTROL & set(line):
            raise ValidationError("This holds a control character. Type it again without it.")
        return line


class NoteForm(forms.Form):
    """A note as its writer sees it; base and submission travel along unseen."""

    most_file_megabytes = store.MAX_BYTES // 1024**2

    title = LineField(max_length=500)
    body = forms.CharField(required=False, strip=False, widget=forms.Textarea)
    ref = LineField(
        max_length=200, required=False, help_text="Author-YYYY.MM, such as Vaswani-2017.12"
    )
    tags = TagsField(
        required=False, help_text="separated by spaces; join words with _, such as Quoc_Le"
    )
    type = forms.ChoiceField(choices=NoteType)
    visibility = forms.ChoiceField(label="who reads it", choices=READERS, widget=forms.RadioSelect)
    summary = LineField(label="what changed", max_length=300, required=False)
    base = forms.IntegerField(min_value=0, required=False, widget=forms.HiddenInput)
    submission = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fill_in()
        self.fields["title"].error_messages["required"] = "Give the note a title."
        for name in ("title", "body", "tags", "summary"):
            self.fields[name].widget.attrs["dir"] = "auto"
        self.fields["title"].widget.attrs["autocomplete"] = "off"
        self.fields["body"].widget.attrs |= {"spellcheck": "true", "rows": 14}
        self.fields["summary"].widget.attrs["placeholder"] = "may stay empty"
        for name in ("body", "tags"):
            self.fields[name].widget.attrs["data-completes"] = True
        self.initial.setdefault("submission", uuid.uuid4())
        if not self.is_bound and "base" not in self.initial:
            first = "body" if self.initial.get("title") else "title"
            self.fields[first].widget.attrs["autofocus"] = True

    @classmethod
    def of(cls, fields: Fields, base: int, **kwargs: Any) -> "NoteForm":
        """Return a form that shows these fields, edited from revision base."""
        return cls(initial={**form_values(fields), "base": base}, **kwargs)

    def _fill_in(self) -> None:
        """Leave as it is what did not arrive at all: a field that was emptied arrives as well."""
        missing = {"body", "tags", "ref"} - {*self.data} if self.is_bound else set()
        self.lacks_text = "body" in missing
        if missing:
            fields = {name: self.fields[name] for name in missing}
            self._put(
                {name: self.get_initial_for_field(fields[name], name) or "" for name in fields}
            )

    def renew(self) -> None:
        """Let what was typed be saved as something of its own, whatever was saved before."""
        self._put({"submission": str(uuid.uuid4())})

    def _put(self, values: dict[str, str]) -> None:
        """Go on as if these had been sent as well."""
        sent = MultiValueDict(self.data) if isinstance(self.data, MultiValueDict) else {**self.data}
        for name, value in values.items():
            sent[name] = value
        self.data = sent

    def clean_body(self) -> str:
        """Bring line ends to LF and refuse what is too long; the form shows the text again."""
        body = str(self.cleaned_data["body"]).replace("\r\n", "\n").replace("\r", "\n")
        size = len(body.encode())
        if size > MAX_BYTES:
            raise ValidationError(
                f"This text has {size:,} bytes and a note has at most {MAX_BYTES:,}. "
                "Nothing is lost: move a part of it into a second note, then save."
            )
        return body

    def typed(self) -> Fields:
        """Return the cleaned fields of a note."""
        said = self.cleaned_data
        return Fields(
            title=said["title"],
            body=said["body"],
            ref=said["ref"],
            type=said["type"],
            tags=said["tags"],
            visibility=said["visibility"],
        )


class EditForm(NoteForm):
    """A form that must say which revision it was edited from."""

    base = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        if self.lacks_text:
            raise ValidationError(
                "This arrived without its text, so nothing was saved. Look whether all is here, "
                "then save again."
            )
        return super().clean() or {}


class ImportForm(forms.Form):
    """A file to import, and how."""

    file = forms.FileField(
        label="file",
        help_text="a .zip of a folder with Markdown files and pictures, a single .md file, or a "
        "saved page of notes; at most 200 MB",
    )
    visibility = forms.ChoiceField(
        label="who reads them",
        choices=READERS,
        initial=Visibility.PRIVATE,
        widget=forms.RadioSelect,
        help_text="a file that says it is a draft or private stays private all the same",
    )
    folder_tags = forms.BooleanField(
        label="folders", required=False, help_text="a note gets the names of its folders as tags"
    )
    name = LineField(
        label="known as",
        max_length=100,
        required=False,
        help_text="what a later import of the same folder knows it by; if this stays empty, the "
        "folder's own name",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].error_messages |= {
            "required": "No file arrived. Choose one of at most 200 MB, then send it again.",
            "empty": "The file is empty. Choose another one.",
        }
        self.fields["name"].widget.attrs["autocomplete"] = "off"

    def clean_name(self) -> str:
        """Refuse what would not be one part of a path."""
        name = str(self.cleaned_data["name"])
        if "/" in name or "\\" in name or name in (".", ".."):
            raise ValidationError("A slash cannot stand in this name. Type it without.")
        return name


class TagField(forms.CharField):
    """One tag."""

    def clean(self, value: Any) -> Any:
        names = parse_tags(super().clean(value))
        if len(names) > 1:
            raise ValidationError(f"These are {len(names)} tags. Join the words with _.")
        return names[0] if names else ""


class TidyForm(forms.Form):
    """What to do with a tag; `sure` answers the question that a merge asks."""

    tag = TagField()
    action = forms.ChoiceField(choices=[(name, name) for name in ("rename", "delete", "alias")])
    to = TagField(required=False)
    sure = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("action") in ("rename", "alias") and not said.get("to") and "to" in said:
            self.add_error("to", "Type the other name.")
        return said


class ManyForm(forms.Form):
    """What to change on many notes: those ticked, or all that fit the list's filters."""

    pid = forms.MultipleChoiceField(required=False)
    pids = forms.CharField(required=False)
    every = forms.BooleanField(required=False)
    add = TagsField(required=False)
    remove = TagsField(required=False)
    readers = forms.ChoiceField(choices=[("", "as it is"), *READERS], required=False)
    sure = forms.BooleanField(required=False)

    def __init__(self, data: Any, filters: str) -> None:
        """Take what was sent, and the query of the list it was sent from."""
        super().__init__(data)
        self.listed = ListForm(QueryDict(filters))
        numbers = [pid for pid in data.getlist("pid") if PID.fullmatch(pid)]
        self.fields["pid"] = forms.MultipleChoiceField(
            choices=[(number, number) for number in numbers], required=False
        )

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not self.errors and not (said["add"] or said["remove"] or said["readers"]):
            raise ValidationError("Say what to change: tags to add or take away, or who reads.")
        return said

    def chosen(self, notes: NoteQuerySet) -> NoteQuerySet:
        """Keep the notes that were ticked, or all that fit the filters."""
        said = self.cleaned_data
        if said["every"]:
            return self.listed.filtered(notes)
        named = [*said["pid"], *said["pids"].split(",")]
        return notes.filter(pid__in=[int(pid) for pid in named if PID.fullmatch(pid)])


class ListForm(forms.Form):
    """The seed's filters and two orders; anything unusable counts as not given."""

    text = forms.CharField(max_length=500, required=False)
    tags = forms.CharField(max_length=500, required=False)
    type = forms.CharField(max_length=20, required=False)
    ref = forms.CharField(max_length=200, required=False)
    sort = forms.ChoiceField(
        choices=[("chronology", "chronology"), ("modified", "modified")], required=False
    )
    order = forms.ChoiceField(choices=[("desc", "desc"), ("asc", "asc")], required=False)

    @property
    def said(self) -> dict[str, str]:
        """Return what was asked for, as far as it is usable."""
        self.is_valid()
        return self.cleaned_data

    def filtered(self, notes: NoteQuerySet) -> NoteQuerySet:
        """Keep the notes that fit every filter."""
        said = self.said
        notes = notes.containing(said.get("text", "")).tagged(said.get("tags", ""))
        if said.get("type"):
            notes = notes.filter(type=said["type"].lower())
        if said.get("ref"):
            notes = notes.filter(ref=said["ref"])
        return notes

    def ordered(self, notes: NoteQuerySet) -> NoteQuerySet:
        """Put notes into the order asked for: newest first, unless it says otherwise."""
        said = self.said
        modified = said.get("sort") == "modified"
        notes = notes.last_changed() if modified else notes.chronological()
        return notes.reverse() if said.get("order") == "asc" else notes


def hidden_pids(query: Mapping[str, str]) -> list[int]:
    """Return the notes an address names after `hide`, each once; at most MAX_HIDDEN.

    >>> hidden_pids({"hide": "12,x,7,12"})
    [12, 7]
    """
    pids = [pid for pid in query.get("hide", "").split(",") if PID.fullmatch(pid)]
    return list(dict.fromkeys(map(int, pids)))[-MAX_HIDDEN:]


def form_values(fields: Fields) -> dict[str, str]:
    """Return what a NoteForm shows for these fields."""
    return {
        "title": fields.title,
        "body": fields.body,
        "ref": fields.ref,
        "tags": join_tags(fields.tags),
        "type": fields.type,
        "visibility": fields.visibility,
    }
