"""Keeping: one file that restores everything. `backup` makes it, `restore` reads it."""

from wiki.backup.content import content_sha256
from wiki.backup.creation import BackupReport, backup
from wiki.backup.errors import BackupError
from wiki.backup.restoration import RestoreReport, is_empty, restore

__all__ = [
    "BackupError",
    "BackupReport",
    "RestoreReport",
    "backup",
    "content_sha256",
    "is_empty",
    "restore",
]
