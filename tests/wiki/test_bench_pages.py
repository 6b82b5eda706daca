"""The page benchmark asks for real pages, and measures notes that are the same every time."""

import re
from dataclasses import replace

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from wiki.measuring.benchmarks import pages
from wiki.measuring.benchmarks.corpus import Corpus
from wiki.measuring.benchmarks.machine import Machine
from wiki.models import Note, Revision

QUIET = Machine(cores=2, model="a machine", load=0.5)
FIGURES = {"p50_ms", "p95_ms", "cpu_ms", "database_ms", "queries"}


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(pages, "HEAVY_NOTES", 2)
    monkeypatch.setattr(pages, "ROUNDS", 2)
    monkeypatch.setattr(pages, "REVISIONS", 3)
    monkeypatch.setattr(pages, "MAX_BYTES", 10_000)
    monkeypatch.setattr(Machine, "now", lambda: QUIET)


@pytest.mark.django_db(transaction=True)
def test_every_page_gets_its_figures(small):
    result = pages.run({"notes": 3})
    assert result.keys() == {"notes", "build_s", "pages", "seq_scans", "load", "machine"}
    assert result["notes"] == 3 and Note.objects.count() == 7
    names = {"list", "tag", "note", "search", "diff", "save", "heavy_note", "heavy_list"}
    names |= {"long_history", "largest_save"}
    assert result["pages"].keys() == names
    for figures in result["pages"].values():
        assert figures.keys() == FIGURES and figures["queries"] > 0
        assert 0 < figures["database_ms"] < figures["p50_ms"] <= figures["p95_ms"]


@pytest.mark.django_db(transaction=True)
def test_a_busy_machine_gives_counts_and_no_times(small, monkeypatch):
    monkeypatch.setattr(Machine, "now", lambda: replace(QUIET, load=4.0))
    for figures in pages.run({"notes": 1})["pages"].values():
        assert [name for name in FIGURES if figures[name] is not None] == ["queries"]


@pytest.mark.django_db(transaction=True)
def test_a_save_is_measured_that_saves(small):
    owner = get_user_model().objects.create_superuser("owner")
    save = pages.build(1, owner)["save"][0]
    before = Revision.objects.count()
    save()()
    assert Revision.objects.count() == before + 1


@pytest.mark.django_db(transaction=True)
def test_a_table_read_from_end_to_end_is_counted(note):
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    before = pages.whole_reads(1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(length(title)) FROM wiki_note")
    after = pages.whole_reads(1)
    assert [table for table in after if after[table] != before[table]] == ["wiki_note"]
    assert "wiki_note" not in pages.whole_reads(1_000)


def test_a_corpus_is_the_same_for_the_same_seed():
    first, again = (list(Corpus().notes(20)) for _ in range(2))
    assert first == again != list(Corpus(seed=2).notes(20))
    assert len({fields.body for fields in first}) == 20
    titles = {Corpus().title(number) for number in range(20)}
    links = set(re.findall(r"\[\[(.+?)\]\]", " ".join(fields.body for fields in first)))
    assert links and links <= titles


def test_a_heavy_note_has_its_size_and_its_formulas():
    for fields in Corpus().heavy(3, size=30_000, formulas=100, tag="heavy"):
        assert 29_000 < len(fields.body) < 31_000
        assert fields.tags == ("heavy",)
        assert len(re.findall(r"(\$\$?)[^$]+\1", fields.body)) == 100
