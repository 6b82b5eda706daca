"""The Celery app: how a job's number travels to a worker, and nothing more.

    celery -A mlhooks worker -Q interactive -c 1

Results, progress and the queue itself are rows in PostgreSQL (models/job.py).
"""

import os
import warnings

from celery import Celery
from celery.platforms import SecurityWarning
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wiki.settings")

RUN_JOB = "mlhooks.run_job"
# Redis and Valkey; other brokers know other options.
REDIS_OPTIONS = {
    # A message whose worker died comes back after so long. The sweep does not wait for that.
    "visibility_timeout": 3600,
    "socket_timeout": 5.0,
    "socket_connect_timeout": 5.0,
    "socket_keepalive": True,
    # A connection that died without a word is noticed within about 1 + 2 x this.
    "health_check_interval": 10,
}

# It warns root about pickle, which this app does not accept.
warnings.simplefilter("ignore", SecurityWarning)

app = Celery(
    "mlhooks",
    include=[
        "mlhooks.tasks",
        "mlhooks.workers.heartbeat",
        "mlhooks.workers.acknowledgement",
        "mlhooks.embeddings.worker_start",
    ],
)
app.conf.update(
    broker_url=settings.BROKER_URL,
    broker_transport_options=REDIS_OPTIONS if settings.BROKER_URL.startswith("redis") else {},
    broker_connection_timeout=5.0,
    # A worker never gives up on its broker.
    broker_connection_retry=True,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_default_queue="background",
    # A message is acknowledged after the work, so a killed worker leaves it to another.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    # Work that outlives its broker connection goes on: its claim is a row.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    enable_utc=True,
    timezone="UTC",
)
