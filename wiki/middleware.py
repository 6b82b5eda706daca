"""What holds for every page: signing in, unless the view says otherwise."""

from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from wiki.views.account import login_and_send_again


class LoginRequired(LoginRequiredMiddleware):
    """Every page asks for a sign-in unless its view says @login_not_required.

    A form sent without one answers 403 with the login form, and carries what was typed.
    """

    def handle_no_permission(  # type: ignore[override]  # a page, where Django only redirects
        self, request: HttpRequest, view_func: Any
    ) -> HttpResponseBase:
        if request.method == "POST":
            return login_and_send_again(request)
        return super().handle_no_permission(request, view_func)
