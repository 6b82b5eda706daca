"""Publish job numbers to the broker. Only the dispatcher does this: a broker may block."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kombu.exceptions import KombuError

from mlhooks.celery import RUN_JOB, app

# The client tries four times, so a silent broker costs the dispatcher about ten times this.
SOCKET_TIMEOUT_S = 0.5


class BrokerAway(Exception):
    """The broker cannot be reached or does not answer; the text says what it did."""


class Publisher:
    """A connection to the broker, opened when needed and anew after every failure."""

    def __init__(self) -> None:
        self._connection: Any = None
        self._producer: Any = None

    def publish(self, job_id: int, queue: str) -> None:
        """Send a message with the job's number to its queue. Raises BrokerAway."""
        with self._opened():
            app.send_task(RUN_JOB, [job_id], queue=queue, producer=self._producer, retry=False)

    def depth(self, queue: str) -> int:
        """Count the messages that no worker has taken. Raises BrokerAway."""
        with self._opened():
            declared = self._producer.channel.queue_declare(queue, durable=True, auto_delete=False)
            return int(declared.message_count)

    def close(self) -> None:
        """Drop the connection without talking to a broker that may not answer."""
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            connection.collect()

    @contextmanager
    def _opened(self) -> Iterator[None]:
        connection = self._connection or self._open()
        try:
            if self._producer is None:
                self._producer = app.amqp.Producer(connection.channel())
            yield
        except (
            KombuError,
            OSError,
            *connection.connection_errors,
            *connection.channel_errors,
        ) as error:
            self.close()
            raise BrokerAway(f"{type(error).__name__}: {error}") from error

    def _open(self) -> Any:
        timeouts = {
            name: SOCKET_TIMEOUT_S
            for name in ("socket_timeout", "socket_connect_timeout")
            if name in app.conf.broker_transport_options
        }
        self._connection = app.connection_for_write(
            connect_timeout=SOCKET_TIMEOUT_S, transport_options=timeouts
        )
        return self._connection
