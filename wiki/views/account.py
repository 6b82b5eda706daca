"""Signing in and out, the password, other sessions."""

from django.conf import settings
from django.contrib import admin, auth, messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.models import Session
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from wiki.accounts import sign_in_links as links
from wiki.accounts.lockout import LoginForm, confirms, lockout_minutes
from wiki.reader import SignedInRequest
from wiki.views.errors import typed_fields


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Sign in, then go on to where the reader was; a form sent before is offered again."""
    form = LoginForm(request, request.POST or None)
    typed, send_to = typed_fields(request.POST), _local(request, request.POST.get("send_to", ""))
    if request.method == "POST" and form.is_valid():
        auth.login(request, form.get_user())
        if send_to:
            return render(request, "wiki/send_again.html", {"send_to": send_to, "typed": typed})
        wanted = _local(request, request.POST.get("next", ""))
        return redirect(wanted or "list")
    context = {
        "form": form,
        "next": request.POST.get("next", request.GET.get("next", "")),
        "send_to": send_to,
        "typed": typed if send_to else [],
    }
    if not form.is_locked:
        return render(request, "wiki/login.html", context, status=422 if form.is_bound else 200)
    reply = render(request, "wiki/login.html", context, status=429)
    reply["Retry-After"] = str(60 * lockout_minutes())
    return reply


def login_and_send_again(request: HttpRequest) -> HttpResponse:
    """Answer a form that was sent without a session: the login form, with the typed text kept."""
    context = {
        "form": LoginForm(request),
        "send_to": request.path,
        "typed": typed_fields(request.POST),
    }
    return render(request, "wiki/login.html", context, status=403)


@login_not_required
@never_cache
@require_safe
def admin_login(request: HttpRequest) -> HttpResponse:
    """The admin's login is that of the site; 404 for people who are not staff."""
    if admin.site.has_permission(request):
        return redirect("admin:index")
    if request.user.is_authenticated:
        raise Http404
    return redirect_to_login(request.GET.get("next", reverse("admin:index")))


@login_not_required
@never_cache
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """Sign out, and let the browser forget the pages it kept.

    Drafts stay: they are offered to this person alone, and nothing typed is lost by signing out.
    """
    auth.logout(request)
    reply = redirect("list")
    reply["Clear-Site-Data"] = '"cache"'
    return reply


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest, token: str) -> HttpResponse:
    """Use a one-time link. Only the button uses it up: programs that look at links do not."""
    user = links.user_for(token)
    if user is None:
        reply = render(request, "wiki/sign_in_used.html", status=410)
        # Django's log would tell the address, and a link that is refused here may work elsewhere.
        reply._has_been_logged = True  # type: ignore[attr-defined]
        return reply
    if request.method == "POST":
        auth.login(request, user, backend=settings.PASSWORD_BACKEND)
        return redirect("account")
    return render(request, "wiki/sign_in.html", {"person": user})


@never_cache
@require_safe
def show(request: SignedInRequest) -> HttpResponse:
    """The reader's account: password, sessions."""
    return _account(request, SetPasswordForm(request.user))


@never_cache
@sensitive_post_parameters()
@require_POST
def password(request: SignedInRequest) -> HttpResponse:
    """Set a new password; all other sessions end with the old one."""
    person = request.user
    old = request.POST.get("old_password", "")
    if person.has_usable_password() and not confirms(request, person, old):
        form = SetPasswordForm(person)
        messages.error(
            request,
            "The old password is not right. Type it again; "
            f"after {settings.AXES_FAILURE_LIMIT} wrong ones wait {lockout_minutes()} minutes.",
        )
        return _account(request, form, status=422)
    form = SetPasswordForm(person, request.POST)
    if not form.is_valid():
        return _account(request, form, status=422)
    form.save()
    auth.update_session_auth_hash(request, person)
    messages.info(request, "The new password is set; other sessions were signed out.")
    return redirect("account")


@never_cache
@require_POST
def end_sessions(request: SignedInRequest) -> HttpResponse:
    """Sign the reader out everywhere else."""
    for session in _sessions(request):
        if session.session_key != request.session.session_key:
            session.delete()
    messages.info(request, "All other sessions were signed out.")
    return redirect("account")


def _account(request: SignedInRequest, form: SetPasswordForm, status: int = 200) -> HttpResponse:  # type: ignore[type-arg]
    context = {"form": form, "sessions": len(_sessions(request))}
    return render(request, "wiki/account.html", context, status=status)


def _sessions(request: SignedInRequest) -> list[Session]:
    """Return the live sessions of the reader. Reads every live session of the site."""
    own = str(request.user.pk)
    live = Session.objects.filter(expire_date__gt=timezone.now())
    return [row for row in live if row.get_decoded().get(auth.SESSION_KEY) == own]


def _local(request: HttpRequest, url: str) -> str:
    """Return the URL if it is a path of this site, else an empty text."""
    safe = url.startswith("/") and url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if safe else ""
