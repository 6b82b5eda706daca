"""The W3C's Nu HTML checker finds no error in any page of the site."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests import pages_of_the_site as site

pytestmark = [pytest.mark.outside, pytest.mark.django_db]


def check(jar: Path, folder: Path) -> list[dict[str, Any]]:
    """Return what the checker says about the pages in a folder."""
    argv = ["java", "-jar", jar, "--format", "json", "--exit-zero-always", folder]
    said = subprocess.run(argv, capture_output=True, check=True).stderr
    return json.loads(said)["messages"]


def line_of(message: dict[str, Any]) -> str:
    """Write a message so that its place can be found."""
    place = f"{Path(unquote(message['url'])).stem}, line {message.get('lastLine', '?')}"
    return f"{place}: {message['message']}\n    {message.get('extract', '').strip()}"


def test_every_page_is_valid_html(
    suite: Callable[[str], Path],
    client_of: Callable[[str], Any],
    numbers: dict[str, Any],
    tmp_path: Path,
) -> None:
    asked = [(kind, reader) for kind in site.KINDS for reader in kind.readers]
    for kind, reader in asked:
        reply = site.ask(client_of(reader), kind, numbers)
        (tmp_path / f"{kind.name}, {reader}.html").write_bytes(reply.content)
    messages = check(suite("vnu-jar/build/dist/vnu.jar"), tmp_path)
    wrong = [line_of(message) for message in messages if message["type"] != "info"]
    if wrong:
        pytest.fail(f"{len(wrong)} errors\n" + "\n".join(wrong), pytrace=False)


def test_the_checker_finds_what_is_wrong(suite: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "wrong.html").write_text(
        "<!doctype html><html lang=en><title>x</title><p><a><a></a></a>"
    )
    assert check(suite("vnu-jar/build/dist/vnu.jar"), tmp_path)
