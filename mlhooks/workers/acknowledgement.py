"""Acknowledge messages, also when the broker has just gone.

Imported by workers only.
"""

from kombu.transport import redis as transport


class QoS(transport.QoS):
    """Forgets a finished message even if the broker went away before the acknowledgement.

    kombu's own keeps its place for ever: with a prefetch of one the worker then asks the
    broker for nothing more, and so never notices that the connection is gone.
    """

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message; one the broker still holds comes back later and finds it done."""
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]  # kombu has few types
        except transport.Transport.connection_errors:
            self._quick_ack(delivery_tag)
            raise


transport.Channel.QoS = QoS
