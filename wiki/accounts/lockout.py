"""How often a password may be tried, and from where; the counting is django-axes'.

Five wrong ones for a name from a place, then a pause for that name from that place alone:
nobody can lock a person out from elsewhere, and no lock lasts. Tries for one name from one place
are looked at one after the other, so that fifty at once are not fifty before the first counts.
"""

import copy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from axes.backends import AxesStandaloneBackend
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.http import HttpRequest, QueryDict

WITH_PORT = re.compile(r"([\d.]+):\d+|\[([^\]]+)\](?::\d+)?")
THIS_MACHINE = "127.0.0.1"
IPV6_HOUSEHOLD = 64  # bits: the rest of an address is the household's to choose


class Lockout(AxesStandaloneBackend):  # type: ignore[misc]  # django-axes is untyped
    """Signs nobody in: it refuses, before the password is looked at, where there is a pause."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **rest: Any,
    ) -> None:
        """Raise PermissionDenied during a pause. A program that asks has no address to count."""
        if request is not None:
            super().authenticate(request, username, password, **rest)


class LoginForm(AuthenticationForm):
    """Name and password. Whether there is such a person shows neither in words nor in time."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "That name and password do not fit together. "
        "Mind capital letters, and try again.",
    }

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(_without_what_was_typed(request), *args, **kwargs)

    def clean(self) -> dict[str, Any]:
        """Look at the password. Holds a lock on tries for this name from this place."""
        assert self.request is not None
        with _in_turn(self.request, str(self.cleaned_data.get("username", ""))):
            try:
                return super().clean()
            except ValidationError as error:
                # Past the end of the transaction, or the count would be undone.
                refused = error
        raise refused

    @property
    def is_locked(self) -> bool:
        """Whether the password was not even looked at; known after is_valid()."""
        was_counted = getattr(self.request, "axes_failures_since_start", None) is not None
        return bool(getattr(self.request, "axes_locked_out", False)) and not was_counted

    def get_invalid_login_error(self) -> ValidationError:
        """Say the same for every reason; during a pause, how long it lasts instead."""
        if not self.is_locked:
            return super().get_invalid_login_error()
        return ValidationError(
            f"There were {settings.AXES_FAILURE_LIMIT} wrong tries, so none is looked at now. "
            f"Wait {pause_minutes()} minutes and try again; from elsewhere you can sign in at once."
        )


def confirms(request: HttpRequest, person: User, password: str) -> bool:
    """Tell whether this is the person's password; wrong ones count like those of a login."""
    typed = {"username": person.get_username(), "password": password}
    with _in_turn(request, person.get_username()):
        return authenticate(_without_what_was_typed(request), **typed) == person


def pause_minutes() -> int:
    """Return how long no password is looked at after too many wrong ones."""
    return int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)


def client_address(request: HttpRequest) -> str | None:
    """Return where a request comes from: an IPv4 address, or the start of an IPv6 network.

    All addresses of this machine are one. Behind n trusted proxies that is what the outermost
    of them saw, the n-th address from the end of X-Forwarded-For; what stands before it was
    written by anybody. None if it is no address.
    """
    hops = map(_without_port, request.META.get("HTTP_X_FORWARDED_FOR", "").split(","))
    chain = [*filter(None, hops), request.META.get("REMOTE_ADDR", "")]
    try:
        address = ip_address(chain[-1 - min(settings.WIKI_TRUSTED_PROXIES, len(chain) - 1)])
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_loopback:
        return THIS_MACHINE
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((int(address), IPV6_HOUSEHOLD), strict=False).network_address)


@contextmanager
def _in_turn(request: HttpRequest, username: str) -> Iterator[None]:
    """Let one try at a time be looked at and counted, for this name from this place.

    The lock ends with the transaction, in which a wrong try is written down.
    """
    place = f"sign-in {client_address(request)} {username}"
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [place])
        yield


def _without_port(hop: str) -> str:
    """Return the address alone; some proxies write `192.0.2.1:4711` or `[2001:db8::1]:4711`."""
    found = WITH_PORT.fullmatch(hop.strip())
    return next(filter(None, found.groups())) if found else hop.strip()


def _without_what_was_typed(request: HttpRequest) -> HttpRequest:
    """Return the request as django-axes may see it: it writes down all fields of a form.

    A login may carry the text of a note that was sent without a session.
    """
    bare = copy.copy(request)
    bare.GET, bare.POST = QueryDict(), QueryDict()
    return bare
