"""The state of the index in a headline: what is read, what is being built, how fast."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models.functions import Now

from mlhooks import gateway
from mlhooks.indexes import freshness
from mlhooks.indexes.freshness import Coverage
from mlhooks.jobs.kinds import BUILD_INDEX, EMBED_NOTE
from mlhooks.models import EncoderIndex, Job

# How fast notes are read is told from the last of these.
LATELY_S = 30


@dataclass(frozen=True)
class Headline:
    """What is said above the list of jobs.

    coverage: of the index that answers, by `encoder`; "" before there is one. building: the job
    that builds an index, and `built` what that index holds; is_change: it will answer in place
    of the other. read_lately: how many notes were read in the last LATELY_S seconds.
    """

    coverage: Coverage
    encoder: str
    building: Job | None
    built: Coverage | None
    is_change: bool
    read_lately: int

    @property
    def shown(self) -> Coverage:
        """Return the counts that the page is about."""
        return self.built or self.coverage

    @property
    def per_s(self) -> float:
        """Return how many notes are read in a second."""
        return self.read_lately / LATELY_S

    @property
    def left_min(self) -> int | None:
        """Return for how many minutes there is work; None where that cannot be known."""
        left = self.coverage.total - self.coverage.current - len(self.coverage.unread)
        return round(left / self.per_s / 60) if self.read_lately and left else None


def headline() -> Headline:
    """Find out how the index is: some ten queries at most."""
    answering = EncoderIndex.objects.remembered_active()
    jobs = Job.objects.unfinished().filter(kind=BUILD_INDEX).order_by("state", "pk")
    building = jobs.first()
    made = EncoderIndex.objects.filter(encoder=building.key if building else None)
    index = made.order_by("-pk").first() if building else None
    lately = Now() - timedelta(seconds=LATELY_S)
    read = Job.objects.filter(kind=EMBED_NOTE, state=Job.State.DONE, finished_at__gt=lately)
    return Headline(
        coverage=freshness.count(),
        encoder=answering.encoder if answering else "",
        building=building,
        built=Coverage(*gateway.coverage(index)) if building else None,
        is_change=bool(building and building.payload.get("answers", True) and index != answering),
        read_lately=0 if building else read.count(),
    )
