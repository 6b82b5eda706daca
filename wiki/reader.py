"""Who reads and who acts: the types of what decides about permissions."""

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest

# Somebody who looks at a page, with an account or without.
Reader = User | AnonymousUser


class SignedInRequest(HttpRequest):
    """A request that a view gets once LoginRequiredMiddleware has let it through."""

    user: User
