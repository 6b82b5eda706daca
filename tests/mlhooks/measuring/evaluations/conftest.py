"""A small set whose notes a real encoder reads, and a cache of the test's own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

DOCS = {
    "bread": "Flour, water and salt rest for a day; the loaf is baked in a hot pot.",
    "gates": "A multiplicative gate lets only a part of each signal pass to the next layer.",
    "sleep": "Children need ten hours in bed; grown people need seven or eight.",
}
QUERIES = [
    ("1", "how to make dough rise and bake it at home", "bread"),
    ("2", "neural networks that let some information through", "gates"),
    ("3", "how long should a kid be asleep at night", "sleep"),
]


def write_set(folder: Path, docs: dict[str, str], queries: list[tuple[str, str, str]]) -> Path:
    folder.mkdir(parents=True)
    lines = [{"id": name, "title": "", "text": text} for name, text in docs.items()]
    (folder / "docs.jsonl").write_text("\n".join(map(json.dumps, lines)))
    asked = [{"id": name, "text": text} for name, text, _ in queries]
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, asked)))
    (folder / "qrels.tsv").write_text("".join(f"{name}\t{doc}\t1\n" for name, _, doc in queries))
    return folder


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Nothing that an earlier test let this process remember."""
    cache.clear()


@pytest.fixture
def options(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Make the options of an evaluation on a set of these documents and queries."""

    def make(
        docs: dict[str, str] = DOCS,
        queries: list[tuple[str, str, str]] = QUERIES,
        name: str = "small",
    ) -> dict[str, Any]:
        return {
            "corpus": write_set(tmp_path / name, docs, queries),
            "cache": tmp_path / "cache",
        }

    return make
