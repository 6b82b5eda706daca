"""Middleware for every page: its policies, its caching, and who may open it."""

from collections.abc import Callable

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from wiki.views.account import login_and_send_again

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# Nothing from elsewhere, nothing inline, no frame. Whatever slips through the sanitiser
# finds that it cannot run, load or send anything.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
UNUSED = ("camera", "display-capture", "geolocation", "microphone", "midi", "payment", "usb")
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in UNUSED)


def policies(get_response: GetResponse) -> GetResponse:
    """Put the same policies on every response: pages, files, errors, the admin.

    What a view may have set holds beside them: it can be stricter than the others, not laxer.
    A sandbox that nobody may frame stands alone, for nothing runs in it, whatever it shows.
    """

    def respond(request: HttpRequest) -> HttpResponseBase:
        reply = get_response(request)
        own = reply.get("Content-Security-Policy")
        if not (own and own.startswith("sandbox;") and "frame-ancestors 'none'" in own):
            both = (own, CONTENT_SECURITY_POLICY) if own else (CONTENT_SECURITY_POLICY,)
            reply["Content-Security-Policy"] = ", ".join(both)
        reply["Permissions-Policy"] = PERMISSIONS_POLICY
        return reply

    return respond


def caching(get_response: GetResponse) -> GetResponse:
    """Let only the reader's browser keep a page that may depend on who reads it.

    A view that says no-store keeps it. For the others no-cache is right: the page is asked
    for again whenever it is opened, yet Back still finds a half-typed form as it was.
    """

    def respond(request: HttpRequest) -> HttpResponseBase:
        reply = get_response(request)
        # Without any cookie nobody is signed in, and no token of a form is in the page.
        is_personal = bool(request.COOKIES or reply.cookies)
        rule = "private, no-cache" if is_personal else "no-cache"
        reply.headers.setdefault("Cache-Control", rule)
        return reply

    return respond


class LoginRequired(LoginRequiredMiddleware):
    """Every page asks for a sign-in unless its view says @login_not_required.

    A form sent without one answers 403 with the login form, and carries what was typed.
    """

    def handle_no_permission(  # type: ignore[override]  # a page, where Django only redirects
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        if request.method == "POST":
            return login_and_send_again(request)
        return super().handle_no_permission(request, view_func)
