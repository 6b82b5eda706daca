"""The version moves with the changelog."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_newest_change_is_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    versions = re.findall(
        r"^## (\d+\.\d+\.\d+), \d{4}-\d\d-\d\d", (ROOT / "CHANGELOG.md").read_text(), re.M
    )
    assert versions[0] == version
    assert versions == sorted(versions, key=lambda v: [int(n) for n in v.split(".")], reverse=True)
