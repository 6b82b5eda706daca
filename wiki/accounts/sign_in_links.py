"""One-time sign-in links: how the first owner signs in without a default password."""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

OWNER = "owner"


class SignInTokens(PasswordResetTokenGenerator):
    """Tokens that hold the account's last sign-in, so the first use ends them."""

    key_salt = "wiki.accounts.sign_in_links"


_tokens = SignInTokens()


def link_for(user: User) -> str:
    """Return the path of a link that signs user in once, within PASSWORD_RESET_TIMEOUT."""
    identity = urlsafe_base64_encode(str(user.pk).encode())
    return reverse("sign_in", args=[f"{identity}.{_tokens.make_token(user)}"])


def user_for(token: str) -> User | None:
    """Return whose token this is; None if it is wrong, used, too old or not needed."""
    identity, _, secret = token.partition(".")
    try:
        pk = int(urlsafe_base64_decode(identity))
    except ValueError:
        return None
    user = get_user_model().objects.filter(pk=pk, is_active=True).first()
    if user is None or not _tokens.check_token(user, secret):
        return None
    # A link to an owner's account is for setting up, which is done once there is a password.
    return None if user.is_superuser and is_set_up() else user


def first_owner_link() -> str | None:
    """Return a sign-in link while no superuser has a password; None once one has.

    Creates the account if there is none.
    """
    return None if is_set_up() else link_for(first_owner())


def is_set_up() -> bool:
    """Tell whether somebody can sign in with a password as a superuser."""
    accounts = get_user_model().objects.filter(is_superuser=True, is_active=True)
    return any(account.has_usable_password() for account in accounts)


def first_owner() -> User:
    """Return the oldest active superuser; creates one if there is none."""
    return default_owner() or get_user_model().objects.create_superuser(OWNER)


def default_owner() -> User | None:
    """Return the owner of what commands import: the oldest active superuser."""
    accounts = get_user_model().objects.filter(is_superuser=True, is_active=True)
    return accounts.order_by("pk").first()
