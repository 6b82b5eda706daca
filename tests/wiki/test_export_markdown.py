"""A folder of Markdown: one file per note, inside the folder, and what it says of the note."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.wiki.attachments import attach
from tests.wiki.pictures import picture
from wiki.exporters import markdown
from wiki.fields import Fields
from wiki.models import Alias, Note, Revision


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, settings: Any) -> None:
    settings.WIKI_DATA_DIR = tmp_path / "data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "export"


def write(owner: Any, title: str, body: str = "Said.\n", **said: Any) -> Note:
    columns = {name: said.pop(name) for name in ("import_key", "extra") if name in said}
    fields = {"ref": "", "type": "note", "tags": (), "visibility": "private", **said}
    note = Note.objects.write(Fields(title=title, body=body, **fields), owner=owner)
    Note.objects.filter(pid=note.pid).update(**columns)
    if "import_key" in columns:
        Revision.objects.filter(note=note).update(source="import")
    return note


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def parts(data: bytes) -> tuple[dict[str, Any], str]:
    """Divide a file into what its front matter says and the rest."""
    _, front, text = data.decode().split("---\n", 2)
    return yaml.safe_load(front), text


def test_a_file_says_all_that_the_note_is(alice: Any, folder: Path) -> None:
    note = write(
        alice,
        "Attention",
        "Queries.\n",
        ref="Vaswani-2017.12",
        type="paper",
        tags=("Quoc_Le", "c++"),
        visibility="public",
    )
    Alias.objects.create(note=note, key="transformer", kind="alias")
    Alias.objects.create(note=note, key="old title", kind="title")
    created = datetime(2022, 5, 17, 20, 25, 1, 123456, UTC)
    Note.objects.filter(pid=note.pid).update(created=created, modified=created)
    exported = markdown.write(folder)
    data = files(folder)["attention.md"]
    said, text = parts(data)
    assert list(said.items()) == [
        ("title", "Attention"),
        ("tags", ["Quoc_Le", "c++"]),
        ("ref", "Vaswani-2017.12"),
        ("type", "paper"),
        ("visibility", "public"),
        ("created", created),
        ("modified", created),
        ("pid", note.pid),
        ("aliases", ["transformer"]),
    ]
    assert text == "Queries.\n"
    assert (exported.notes, exported.revisions, exported.attachments) == (1, 1, 0)
    assert (exported.bytes, exported.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (folder / "attention.md").stat().st_mtime == pytest.approx(created.timestamp())


BODIES = [
    "",
    "no line end",
    "\n\n\nblank lines first\n",
    "---\na rule\n---\n",
    "+++\nx\n+++\n",
    "\ufeffa mark",
    "  indented\n",
    "{\n",
    "tab\t\u2028line\u0085\n",
    "# A\n",
    "title:: x\n",
]


@pytest.mark.parametrize("body", BODIES)
def test_a_text_is_written_byte_for_byte(alice: Any, folder: Path, body: str) -> None:
    write(alice, "A", body)
    markdown.write(folder)
    _, _, text = files(folder)["a.md"].decode().split("---\n", 2)
    assert text == body


TITLES = ["No", "2020-01-02", "12", "a: b # c", "- x", "'\"", "z\u200bw", "@"]


@pytest.mark.parametrize("title", TITLES)
def test_a_title_is_read_as_it_is(alice: Any, folder: Path, title: str) -> None:
    write(alice, title, tags=("yes", "012", "#x"))
    markdown.write(folder)
    (data,) = files(folder).values()
    assert parts(data)[0]["title"] == title
    assert parts(data)[0]["tags"] == ["yes", "012", "#x"]


def test_what_came_with_a_note_goes_with_it(alice: Any, folder: Path) -> None:
    kept = {"cssclass": "wide", "Nested": {"a": [1, None, True]}, "Title": "x", "exact": 1}
    extra = {"front_matter": kept, "heading": "# Attention #\n\n"}
    write(alice, "Attention", import_key="vault:garden/a/Attention note.md", extra=extra)
    markdown.write(folder)
    ((path, data),) = files(folder).items()
    said, text = parts(data)
    assert path == "a/Attention note.md"
    assert (said["cssclass"], said["Nested"]) == ("wide", {"a": [1, None, True]})
    assert said["title"] == "Attention" and "Title" not in said and "exact" not in said
    assert text == "# Attention #\n\nSaid.\n"


def test_a_heading_goes_when_the_title_is_another(alice: Any, folder: Path) -> None:
    extra = {"heading": "# Attention\n\n"}
    note = write(alice, "Attention", import_key="vault:garden/a.md", extra=extra)
    fields = note.current_fields()
    note.save_revision(
        Fields("Other", fields.body, "", "note", (), "private"), base=0, author=alice
    )
    markdown.write(folder)
    assert parts(files(folder)["a.md"])[1] == "Said.\n"


def test_what_would_be_read_otherwise_is_marked(alice: Any, folder: Path) -> None:
    for title, body in [
        ("A", "# A\n"),
        ("B", "\n\nB\n===\n"),
        ("C", "a #tag\n"),
        ("D", "## D\n"),
        ("E", "a\n"),
    ]:
        write(alice, title, body)
    write(alice, "F", "a #Tag\n", tags=("tag",))
    markdown.write(folder)
    marked = {name for name, data in files(folder).items() if "exact" in parts(data)[0]}
    assert marked == {"a.md", "b.md", "c.md"}


def test_a_published_note_is_no_draft(alice: Any, folder: Path) -> None:
    extra = {"front_matter": {"draft": True, "publish": True}}
    write(alice, "A", visibility="public", import_key="vault:v/a.md", extra=extra)
    write(alice, "B", import_key="vault:v/b.md", extra=extra)
    markdown.write(folder)
    found = {name: parts(data)[0] for name, data in files(folder).items()}
    assert "draft" not in found["a.md"] and found["a.md"]["publish"] is True
    assert found["b.md"]["draft"] is True


def test_a_type_of_another_tool_stays(alice: Any, folder: Path) -> None:
    extra = {"front_matter": {"type": "post"}}
    write(alice, "A", import_key="vault:v/a.md", extra=extra)
    write(alice, "B", type="paper", import_key="vault:v/b.md", extra=extra)
    markdown.write(folder)
    found = {name: parts(data)[0]["type"] for name, data in files(folder).items()}
    assert found == {"a.md": "post", "b.md": "paper"}


def test_line_ends_are_those_of_the_file(alice: Any, folder: Path) -> None:
    extra = {"line_end": "\r\n", "heading": "# A\n\n"}
    write(alice, "A", "x\ny", import_key="vault:v/a.md", extra=extra)
    markdown.write(folder)
    data = files(folder)["a.md"]
    assert data.count(b"\n") == data.count(b"\r\n") > 5
    assert data.endswith(b"---\r\n# A\r\n\r\nx\r\ny")


def test_no_two_notes_have_one_place(alice: Any, folder: Path) -> None:
    first, second = write(alice, "Same"), write(alice, "same")
    third = write(alice, f"same {second.pid}")
    titles = ["???", "CON", "Café", "CAFE\u0301", "a" * 300, "../x", "日本"]
    rest = [write(alice, title) for title in titles]
    vault = write(alice, "V", import_key="vault:v/Same.md")
    markdown.write(folder)
    found = {parts(data)[0]["pid"]: name for name, data in files(folder).items()}
    assert len({name.casefold() for name in found.values()}) == len(found) == 11
    assert found[vault.pid] == "Same.md"
    assert found[first.pid] == f"same-{first.pid}.md"
    assert found[second.pid] == f"same-{second.pid}.md"
    assert found[third.pid] == f"same-{second.pid}-{third.pid}.md"
    assert [found[note.pid] for note in rest] == [
        "note.md",
        "_con.md",
        "café.md",
        f"café-{rest[3].pid}.md",
        f"{'a' * 80}.md",
        "x.md",
        "日本.md",
    ]


@pytest.mark.parametrize(
    "key",
    [
        "vault:v/../../evil.md",
        "vault:../../evil.md",
        "vault:v//etc/evil.md",
        "vault:v/a\\..\\..\\evil.md",
        "vault:v/a\n.md",
        "vault:v/" + "x" * 300 + ".md",
        "vault:v",
        "vault:v/..",
        "vault:v/no ending",
    ],
)
def test_nothing_is_written_outside_the_folder(alice: Any, folder: Path, key: str) -> None:
    write(alice, "A", import_key=key)
    before = set(folder.parent.rglob("*"))
    assert markdown.write(folder).notes == 1
    new = set(folder.parent.rglob("*")) - before
    assert all(path == folder or path.is_relative_to(folder) for path in new)
    ((path, data),) = files(folder).items()
    assert path.endswith(".md") and parts(data)[1] == "Said.\n"


def test_a_link_that_leads_out_is_not_followed(alice: Any, folder: Path, tmp_path: Path) -> None:
    write(alice, "A", import_key="vault:v/sub/a.md")
    (tmp_path / "elsewhere").mkdir()
    folder.mkdir()
    (folder / "sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        markdown.write(folder)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_two_vaults_share_a_folder_only_if_their_paths_differ(alice: Any, folder: Path) -> None:
    write(alice, "A", import_key="vault:one/a.md")
    write(alice, "B", import_key="vault:two/b.md")
    markdown.write(folder)
    assert set(files(folder)) == {"a.md", "b.md"}
    write(alice, "C", import_key="vault:two/A.md")
    markdown.write(folder / "again")
    assert set(files(folder / "again")) == {"one/a.md", "two/b.md", "two/A.md"}


def add(note: Note, key: str, content: bytes) -> None:
    attach(note, key, content)


def test_files_lie_where_the_text_names_them(alice: Any, folder: Path) -> None:
    note = write(alice, "A", import_key="vault:v/sub/a.md")
    small = picture(2, 2)
    for key in ("x.png", "./b/y.pdf", "../assets/z.svg", "/top.png"):
        add(note, key.removeprefix("./"), small + key.encode())
    exported = markdown.write(folder)
    assert exported.attachments == 4
    found = files(folder)
    assert found.keys() - {"sub/a.md"} == {
        "sub/x.png",
        "sub/b/y.pdf",
        "assets/z.svg",
        "top.png",
    }
    assert found["top.png"] == small + b"/top.png"


def test_files_never_lie_elsewhere_or_on_each_other(alice: Any, folder: Path) -> None:
    one, two, three = (write(alice, title) for title in ("A", "B", "C"))
    add(one, "x.png", b"1")
    add(two, "x.png", b"2")
    add(three, "X.png", b"3")
    add(three, "x.png", b"1")
    add(one, "../../evil.md", b"4")
    add(one, "b.md", b"5")
    add(one, "a.md/c.png", b"6")
    add(one, "y" * 300 + ".png", b"7")
    before = {path for path in folder.parent.rglob("*") if path.is_file()}
    assert markdown.write(folder).attachments == 7
    new = {path for path in folder.parent.rglob("*") if path.is_file()} - before
    assert all(path.is_relative_to(folder) for path in new)
    found = files(folder)
    own = {name: data for name, data in found.items() if name.startswith("files/")}
    assert found["x.png"] == b"1" and sorted(own.values()) == [b"2", b"3", b"4", b"5", b"6", b"7"]
    assert {"a.md", "b.md", "c.md"} < found.keys()


def test_a_lost_file_stops_nothing(alice: Any, folder: Path, caplog: Any) -> None:
    note = write(alice, "A")
    add(note, "x.png", b"1")
    note.attachments.get().path.unlink()
    assert markdown.write(folder).attachments == 0
    assert "is lost" in caplog.text


def test_what_is_in_the_trash_is_left_out(alice: Any, folder: Path) -> None:
    write(alice, "A").move_to_trash(alice)
    assert markdown.write(folder).notes == 0


def test_the_number_of_queries_does_not_grow(
    alice: Any, folder: Path, django_assert_num_queries: Any
) -> None:
    for start, end in ((0, 2), (2, 20)):
        for i in range(start, end):
            add(write(alice, f"Note {i}"), "x.png", b"same")
        with django_assert_num_queries(7):
            markdown.write(folder)
