"""What the workshop keeps: jobs, and who works on them."""

from mlhooks.models.claim import Claim, LostClaim
from mlhooks.models.job import Job, Queue
from mlhooks.models.worker import Worker

__all__ = ["Claim", "Job", "LostClaim", "Queue", "Worker"]
