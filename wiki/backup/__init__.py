"""Keeping: one file that restores everything. `backup` makes it, `restore` reads it."""

from wiki.backup.content import content_sha256
from wiki.backup.create import BackupReport, backup
from wiki.backup.errors import BackupError
from wiki.backup.restore import RestoreReport, is_empty, restore

__all__ = [
    "BackupError",
    "BackupReport",
    "RestoreReport",
    "backup",
    "content_sha256",
    "is_empty",
    "restore",
]
