"""Signals that the wiki app sends.

Both are sent inside the transaction that makes the change, so a receiver's rows are
committed with it or not at all. A receiver must be quick and must not raise. Where one change
sends many, each but the last has more=True: a receiver may collect them until then.
"""

from django.dispatch import Signal

# note, revision: the note's new head; more.
revision_saved = Signal()
# note: the note was put into the trash or deleted for good.
note_removed = Signal()
