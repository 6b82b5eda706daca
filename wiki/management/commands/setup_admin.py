"""`manage.py setup_admin`: an account that may do everything, with a password."""

import sys
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser

from wiki.management.base import HouseCommand, Refused


class Command(HouseCommand):
    help = "Create an administrator, or give an existing account these rights and a new password."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--username", required=True)
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            required=True,
            help="read the password as one line from standard input",
        )

    def run(self, options: dict[str, Any]) -> tuple[dict[str, Any], str]:
        username = options["username"]
        password = sys.stdin.readline().rstrip("\r\n")
        accounts = get_user_model().objects
        account = accounts.filter(username=username).first()
        created = account is None
        if account is None:
            account = get_user_model()(username=username)
        account.is_active = account.is_staff = account.is_superuser = True
        _check(account, password)
        account.set_password(password)
        account.save()
        done = "was made" if created else "has a new password"
        return (
            {"username": username, "created": created},
            f"The administrator {username!r} {done} and can sign in.",
        )


def _check(account: User, password: str) -> None:
    """Refuse a username or password that breaks the rules, with their sentences."""
    try:
        account.clean_fields(exclude={"password"})
    except ValidationError as error:
        raise Refused(
            f"The username {account.get_username()!r} cannot be used. {' '.join(error.messages)}"
        ) from error
    if not password:
        raise Refused(
            "No password came in. Write it as one line to standard input, for example with "
            "`printf '%s\\n' \"$PASSWORD\" | python manage.py setup_admin …`."
        )
    try:
        validate_password(password, account)
    except ValidationError as error:
        raise Refused(f"{' '.join(error.messages)} Choose another password.") from error
