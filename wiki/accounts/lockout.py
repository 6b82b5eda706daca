"""Lockout: how often a password may be tried per name and address; django-axes counts.

After AXES_FAILURE_LIMIT wrong passwords for a name from an address, logins for that name from
that address are refused for a while. So nobody can lock a person out from elsewhere, and no
lockout lasts. Attempts for one name from one address are checked one after the other, so that
fifty sent at once are not all checked before the first is counted.
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
IPV6_HOUSEHOLD = 64  # bits; a household chooses the rest of its addresses


class Lockout(AxesStandaloneBackend):  # type: ignore[misc]  # django-axes is untyped
    """Signs nobody in: during a lockout it refuses, before the password is checked."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **credentials: object,
    ) -> None:
        """Raise PermissionDenied during a lockout; without a request nothing is counted."""
        if request is not None:
            super().authenticate(request, username, password, **credentials)


class LoginForm(AuthenticationForm):
    """Name and password. Whether there is such a person shows neither in words nor in time."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "That name and password do not fit together. "
        "Mind capital letters, and try again.",
    }

    def __init__(self, request: HttpRequest, data: QueryDict | None = None) -> None:
        super().__init__(_without_typed_fields(request), data)

    def clean(self) -> dict[str, Any]:
        """Check the password. Holds a lock on attempts for this name from this address."""
        assert self.request is not None
        with _one_at_a_time(self.request, str(self.cleaned_data.get("username", ""))):
            try:
                return super().clean()
            except ValidationError as error:
                # Raised after the transaction, which would undo the count.
                refused = error
        raise refused

    @property
    def is_locked(self) -> bool:
        """Whether the password was not checked, for a lockout; known after is_valid()."""
        was_counted = getattr(self.request, "axes_failures_since_start", None) is not None
        return bool(getattr(self.request, "axes_locked_out", False)) and not was_counted

    def get_invalid_login_error(self) -> ValidationError:
        """Say the same for every reason; during a lockout, how long it lasts."""
        if not self.is_locked:
            return super().get_invalid_login_error()
        return ValidationError(
            f"There were {settings.AXES_FAILURE_LIMIT} wrong tries, so none is looked at now. "
            f"Wait {lockout_minutes()} minutes and try again; from elsewhere you can sign in at "
            "once."
        )


def confirms(request: HttpRequest, person: User, password: str) -> bool:
    """Tell whether this is the person's password; wrong ones count like those of a login."""
    typed = {"username": person.get_username(), "password": password}
    with _one_at_a_time(request, person.get_username()):
        return authenticate(_without_typed_fields(request), **typed) == person


def lockout_minutes() -> int:
    """Return how long a lockout lasts."""
    return int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)


def client_address(request: HttpRequest) -> str | None:
    """Return where a request comes from: an IPv4 address, or the start of an IPv6 network.

    All addresses of this machine are one. Behind n trusted proxies that is what the outermost
    of them saw, the n-th address from the end of X-Forwarded-For; anybody can write what is
    before it. None if it is no address.
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
def _one_at_a_time(request: HttpRequest, username: str) -> Iterator[None]:
    """Let one attempt at a time be checked and counted, for this name from this address.

    The lock ends with the transaction, in which a wrong attempt is recorded.
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


def _without_typed_fields(request: HttpRequest) -> HttpRequest:
    """Return the request without its fields, all of which django-axes would record.

    A login may carry the text of a note that was sent without a session.
    """
    bare = copy.copy(request)
    bare.GET, bare.POST = QueryDict(), QueryDict()
    return bare
