"""BELLS: what the house tells whoever listens.

Both are sent inside the transaction that makes the change, so a listener's rows are
committed with it or not at all. A listener must be quick and must not raise. Where one change
makes many ring, each but the last says more=True: a listener may keep them until then.
"""

from django.dispatch import Signal

# note, revision: the note's new head; more.
revision_saved = Signal()
# note: the note was put into the trash or deleted for good.
note_removed = Signal()
