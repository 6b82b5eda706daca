"""Backups as others write them: of format 1, by pg_dump, and of format 2 with something changed."""

import hashlib
import json
import subprocess
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.db import connection

from wiki.backup.content import all_tables, read_contents
from wiki.files import store
from wiki.postgres.programs import environment, installation
from wiki.snapshot import snapshot

# What format 1 left out when the ML app was there.
NOT_KEPT = ("django_session", "axes_", "wiki_notehtml", "wiki_posting", "wiki_notewords")
ML_TABLES = ("mlhooks_", "passage_vector_")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_format_1(file: Path, left_out: tuple[str, ...] = (*NOT_KEPT, *ML_TABLES)) -> Path:
    """Write the connected database and its files as versions before format 2 did."""
    with snapshot():
        tables = all_tables()
        kept = [table for name, table in tables.items() if not name.startswith(left_out)]
        without = [name for name in tables if name.startswith(left_out)]
        dump = _pg_dump(without)
        contents = read_contents(kept)
        with connection.cursor() as cursor:
            cursor.execute("SELECT app || '.' || name FROM django_migrations ORDER BY id")
            migrations = [name for (name,) in cursor.fetchall()]
    said = {
        "format": 1,
        "version": "0.1.0",
        "postgres": "18.6",
        "created": "2026-11-26T00:00:00+00:00",
        "migrations": migrations,
        "tables": {
            name: {"rows": one.rows, "sha256": one.sha256} for name, one in contents.items()
        },
    }
    media = {f"media/{key[:2]}/{key[2:]}": path.read_bytes() for key, path in store.kept()}
    return write_zip(file, said, {"database.dump": dump, **media})


def _pg_dump(without: Iterable[str]) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        name = cursor.fetchone()[0]
    argv = [
        installation() / "bin/pg_dump",
        f"--dbname={connection.connection.info.dsn}",
        "--format=custom",
        f"--snapshot={name}",
        "--no-unlogged-table-data",
        *(f'--exclude-table-data=public."{table}"' for table in without),
    ]
    return subprocess.run(argv, env=environment(), capture_output=True, check=True).stdout


def write_zip(file: Path, said: dict[str, Any], members: dict[str, bytes]) -> Path:
    """Write members, and a manifest that fits them."""
    said["members"] = {
        name: {"bytes": len(content), "sha256": sha256(content)}
        for name, content in members.items()
    }
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr("manifest.json", json.dumps(said))
    return file


def read_zip(file: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return a backup's manifest and its other members."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(members.pop("manifest.json")), members


def with_rows(
    said: dict[str, Any],
    members: dict[str, bytes],
    table: str,
    change: Callable[[bytes], bytes],
) -> None:
    """Change the rows of a table so that every hash fits them again."""
    rows = change(members.get(f"tables/{table}.copy", b""))
    members[f"tables/{table}.copy"] = rows
    columns = said["tables"].setdefault(table, {"columns": ["id"]})["columns"]
    fits = sha256(json.dumps(columns).encode() + rows)
    said["tables"][table] = {"columns": columns, "rows": rows.count(b"\n"), "sha256": fits}
