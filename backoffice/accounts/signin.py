"""How staff sign in to the admin: name and password, then the code of a second factor where the account has one.

Guesses at both count against the one limit of crm.api.login_limits. A session is opened when all is right, and
remembers the device whose code it was opened with: it ends where the account has another one since.
"""

from functools import wraps
from math import ceil
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import REDIRECT_FIELD_NAME, get_user_model, login, logout
from django.contrib.auth.views import LoginView, RedirectURLMixin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.crypto import constant_time_compare
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from backoffice.accounts import second_factor
from crm import dates
from crm.api.login_limits import LimitedBackend, TooManyAttempts, limited

DEVICE = "second_factor"  # in a session: the device that it was opened with
PENDING = "awaits_code"  # in a session: who has given the password, and when
PATIENCE = 10 * 60  # seconds from the password to the code
OPEN = {"admin:second_factor", "admin:logout"}  # to whoever still needs a second factor


class StaffBackend(LimitedBackend):
    def get_user(self, user_id):
        """Whom a session belongs to, and with the same query the device that they sign in with."""
        user = second_factor.with_device(get_user_model().objects.all()).filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None


class LimitedForm(forms.Form):
    """A form that is refused unread after too many wrong ones, and says how long to wait."""

    refusal: TooManyAttempts | None = None

    def refused(self, refusal: TooManyAttempts) -> ValidationError:
        self.refusal = refusal
        return ValidationError(f"Too many wrong attempts. Please wait {duration(refusal.wait)}, then try again.")

    def mark(self, response: HttpResponse) -> HttpResponse:
        """The page with this form, as 429 where it was refused (RFC 6585, section 4)."""
        if self.refusal:
            response.status_code = 429
            response["Retry-After"] = str(ceil(self.refusal.wait))
        return response


class PasswordForm(LimitedForm, AdminAuthenticationForm):
    def clean(self) -> dict[str, Any]:
        try:
            return super().clean()
        except TooManyAttempts as refusal:
            raise self.refused(refusal) from None


class CodeForm(LimitedForm):
    wrong = "This code is wrong, has been used or is too old."

    code = forms.CharField(
        max_length=32,
        help_text="The six digits that your authenticator app shows, or one of your recovery codes.",
        widget=forms.TextInput({"autocomplete": "one-time-code", "autofocus": True, "autocapitalize": "none"}),
    )

    def __init__(self, request: HttpRequest, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.user = request, user

    def clean_code(self) -> str:
        code = "".join(self.cleaned_data["code"].split()).lower()
        try:
            right = limited(self.request, self.user.get_username(), lambda: self.check(code))
        except TooManyAttempts as refusal:
            raise self.refused(refusal) from None
        if not right:
            raise ValidationError(self.wrong)
        return code

    def check(self, code: str) -> bool:
        return second_factor.accepts(self.user, code)


class PasswordView(LoginView):
    """The admin's login page."""

    authentication_form = PasswordForm
    next_page = "admin:index"
    template_name = "admin/login.html"

    def form_valid(self, form: PasswordForm) -> HttpResponse:
        user = form.get_user()
        if second_factor.device_of(user) is None:
            return super().form_valid(form)
        session = self.request.session
        session.flush()
        session[PENDING] = [user.pk, user.get_session_auth_hash(), dates.now().timestamp()]
        return redirect_with_next("admin:code", self.get_redirect_url())

    def form_invalid(self, form: PasswordForm) -> HttpResponse:
        return form.mark(super().form_invalid(form))


@method_decorator([sensitive_post_parameters(), csrf_protect, never_cache], name="dispatch")
class CodeView(RedirectURLMixin, FormView):
    """The second step, for whoever has given the right password."""

    form_class = CodeForm
    template_name = "backoffice/code.html"
    next_page = "admin:index"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.user = pending_user(request)
        if self.user is None:
            return redirect_with_next("admin:login", self.get_redirect_url())
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"request": self.request, "user": self.user, **super().get_form_kwargs()}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {**admin.site.each_context(self.request), "title": "Enter your code", "subtitle": None}
        return super().get_context_data(**context, **{REDIRECT_FIELD_NAME: self.get_redirect_url()}, **kwargs)

    def form_valid(self, form: CodeForm) -> HttpResponse:
        device = second_factor.device_of(self.user)
        login(self.request, self.user)
        del self.request.session[PENDING]
        self.request.session[DEVICE] = device.pk if device else None
        return super().form_valid(form)

    def form_invalid(self, form: CodeForm) -> HttpResponse:
        return form.mark(super().form_invalid(form))


class SigningIn(admin.AdminSite):
    """What signing in asks of the site: its pages, and who may pass."""

    def get_urls(self) -> list:
        from backoffice.accounts.second_factor_page import second_factor_page  # has forms of this module

        return [
            path("login/code/", CodeView.as_view(), name="code"),
            path("second-factor/", self.admin_view(second_factor_page), name="second_factor"),
            *super().get_urls(),
        ]

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and holds_device(request)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Where everybody needs a second factor, nothing but its page opens for whoever has none yet."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if self.has_permission(request) and needs_device(request):
                return redirect_with_next("admin:second_factor", request.get_full_path())
            return inner(request, *args, **kwargs)

        return guarded

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """As Django's, with the view of ours."""
        if request.method == "GET" and self.has_permission(request):
            return redirect("admin:index")
        if not holds_device(request):
            logout(request)
        context = {
            **self.each_context(request),
            "title": "Log in",
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
        }
        return PasswordView.as_view(extra_context=context)(request)


def holds_device(request: HttpRequest) -> bool:
    """Whether the session was opened with the device that its account has now, if any."""
    device = getattr(request.user, "second_factor", None)
    return device is None or request.session.get(DEVICE) == device


def needs_device(request: Any) -> bool:
    """Whether the page is closed to whoever has no second factor."""
    has_one = getattr(request.user, "second_factor", None) is not None
    return settings.REQUIRE_SECOND_FACTOR and not has_one and request.resolver_match.view_name not in OPEN


def pending_user(request: HttpRequest) -> Any:
    """Who has given the right password, lately, and has to give the code; None where nobody has."""
    pk, password, since = request.session.get(PENDING, (None, "", 0))
    user = StaffBackend().get_user(pk) if dates.now().timestamp() < since + PATIENCE else None
    return user if user and constant_time_compare(password, user.get_session_auth_hash()) else None


def redirect_with_next(name: str, url: str) -> HttpResponseRedirect:
    return redirect(f"{reverse(name)}?{urlencode({REDIRECT_FIELD_NAME: url})}" if url else name)


def duration(seconds: float) -> str:
    """As people say it: whole minutes, rounded up, or seconds where it is less than one."""
    number, unit = (ceil(seconds), "second") if seconds <= 60 else (ceil(seconds / 60), "minute")
    return f"{number} {unit}{'' if number == 1 else 's'}"
