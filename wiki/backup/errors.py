"""What goes wrong with a backup."""


class BackupError(Exception):
    """A backup cannot be made or restored; the text says what to do."""
