"""What people decide about indexes: which one answers, what is built no further, what goes."""

from django.db import transaction

from mlhooks import gateway, jobs
from mlhooks.indexes import index_build
from mlhooks.jobs.kinds import BUILD_INDEX, RECONCILE_INDEX
from mlhooks.models import ActiveIndex, EncoderIndex, IndexInUse, Job

# An index that lacks more notes, or a larger part of them, is first to read them.
MAX_LACKING, MAX_LACKING_PART = 100, 0.1


class NotNow(Exception):
    """What was asked for cannot be done; the text is a sentence that tells what to do."""


def let_answer(index: EncoderIndex) -> None:
    """Let an index that was finished once answer, at once; it then reads what it lacks.

    Raises NotNow.
    """
    if index.state != EncoderIndex.State.READY:
        raise NotNow(
            f"{index} is not finished. Go on with it: it answers by itself once it has read "
            "every note."
        )
    total, current = gateway.count(), gateway.count_current(index)
    if total - current > max(MAX_LACKING, MAX_LACKING_PART * total):
        raise NotNow(
            f"{index} lacks {total - current:,} of {total:,} notes. Go on with it: it answers by "
            "itself once it has read them."
        )
    try:
        with transaction.atomic():
            index_build.switch(index)
            jobs.request(RECONCILE_INDEX)
    except EncoderIndex.DoesNotExist as error:
        raise NotNow(str(error)) from error


def go_back() -> EncoderIndex:
    """Let the index that answered before answer again. Raises NotNow."""
    row = ActiveIndex.objects.select_related("before").first()
    if row is None or row.before is None:
        raise NotNow("No other index answered before this one, so there is nothing to go back to.")
    let_answer(row.before)
    return row.before


def cancel(encoder: str) -> bool:
    """Build the index of an encoder no further; what was read is kept. False if nobody builds."""
    unfinished = Job.objects.unfinished().filter(kind=BUILD_INDEX, key=encoder).first()
    return unfinished is not None and unfinished.cancel()


def drop(index: EncoderIndex) -> None:
    """Delete an index and give its room back; ends the work on it. Raises NotNow."""
    if not index.is_active:
        cancel(index.encoder)
    try:
        index.drop()
    except IndexInUse as error:
        raise NotNow(str(error)) from error
