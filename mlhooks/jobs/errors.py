"""What a job's function raises when it cannot be done now, or not all at once."""


class Transient(Exception):
    """Raised by a job's function when trying again later can help; the text is for people."""


class Requeue(Exception):
    """Raised by a job's function that has done a part: the job waits behind others, then goes on.

    payload: what the next part begins with. after_s: when, at the earliest.
    """

    def __init__(self, payload: object, *, after_s: float = 0) -> None:
        super().__init__("There is more to do.")
        self.payload = payload
        self.after_s = after_s
