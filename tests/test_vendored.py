"""Files of others stand in static/vendor untouched, each in VERSIONS with its checksum."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENDOR = ROOT / "static/vendor"


def test_every_vendored_file_is_listed_with_its_checksum():
    lines = (VENDOR / "VERSIONS").read_text().splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    listed = {name: checksum for name, version, checksum, licence, patches in rows}
    files = {path for path in VENDOR.rglob("*") if path.is_file()} - {VENDOR / "VERSIONS"}
    assert listed == {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_what_corrects_a_vendored_file_is_named():
    lines = (VENDOR / "VERSIONS").read_text().splitlines()
    patches = {line.split()[0]: line.split()[-1] for line in lines if not line.startswith("#")}
    assert patches.pop("temml/temml.min.js") == "wiki/markup/set_formula.js"
    assert (ROOT / "wiki/markup/set_formula.js").is_file() and set(patches.values()) == {"-"}
