"""Notes that cannot be read: they stop nothing, and it is kept why."""

import logging

from django.db import InterfaceError, OperationalError
from django.db.models.functions import Now

from mlhooks import gateway
from mlhooks.embeddings.registry import NoSuchModel
from mlhooks.jobs import Transient
from mlhooks.jobs.claims import LostClaim
from mlhooks.models import EncoderIndex, UnreadNote

logger = logging.getLogger(__name__)

MAX_REASON_LENGTH = 300
# What does not lie with a note.
PASSING = (
    InterfaceError,
    LostClaim,
    NoSuchModel,
    OperationalError,
    Transient,
    EncoderIndex.DoesNotExist,
)


def remember(index: EncoderIndex, pid: int, error: Exception) -> None:
    """Keep why a note could not be read, until it can, or says something else."""
    logger.warning("Note %s could not be read: %s", pid, type(error).__name__)
    head = gateway.heads([pid]).get(pid)
    if head is None:
        return
    reason = f"{type(error).__name__}: {error}".replace("\0", " ")
    reason = reason.encode(errors="replace").decode()[:MAX_REASON_LENGTH]
    UnreadNote.objects.update_or_create(
        index=index,
        note=pid,
        defaults={"revision": head.number, "reason": reason, "failed_at": Now()},
    )
