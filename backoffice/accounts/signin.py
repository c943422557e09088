"""How staff sign in to the admin: name and password, then the code of a second factor where the account has one.

Guesses at both count against the one limit of crm.api.login_limits. A session is opened when all is right.
"""

from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME, login, logout
from django.contrib.auth.views import LoginView, RedirectURLMixin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from backoffice.accounts import second_factor
from backoffice.accounts.forms import CodeForm, PasswordForm
from backoffice.accounts.second_factor_page import second_factor_page
from backoffice.accounts.sessions import (
    DEVICE,
    PENDING,
    get_pending_user,
    matches_device,
    needs_device,
    redirect_with_next,
    store_pending_user,
)


class PasswordView(LoginView):
    """The admin's login page."""

    authentication_form = PasswordForm
    next_page = "admin:index"
    template_name = "admin/login.html"

    def form_valid(self, form: PasswordForm) -> HttpResponse:
        user = form.get_user()
        if second_factor.device_of(user) is None:
            return super().form_valid(form)
        store_pending_user(self.request, user)
        return redirect_with_next("admin:code", self.get_redirect_url())

    def form_invalid(self, form: PasswordForm) -> HttpResponse:
        return form.set_status(super().form_invalid(form))


@method_decorator([sensitive_post_parameters(), csrf_protect, never_cache], name="dispatch")
class CodeView(RedirectURLMixin, FormView):
    """The second step, after the right password."""

    form_class = CodeForm
    template_name = "backoffice/code.html"
    next_page = "admin:index"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.user = get_pending_user(request)
        if self.user is None:
            return redirect_with_next("admin:login", self.get_redirect_url())
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"request": self.request, "user": self.user, **super().get_form_kwargs()}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {**admin.site.each_context(self.request), "title": _("Enter your code"), "subtitle": None}
        return super().get_context_data(**context, **{REDIRECT_FIELD_NAME: self.get_redirect_url()}, **kwargs)

    def form_valid(self, form: CodeForm) -> HttpResponse:
        device = second_factor.device_of(self.user)
        login(self.request, self.user)
        del self.request.session[PENDING]
        self.request.session[DEVICE] = device.pk if device else None
        return super().form_valid(form)

    def form_invalid(self, form: CodeForm) -> HttpResponse:
        return form.set_status(super().form_invalid(form))


class SignInSiteMixin(admin.AdminSite):
    """Signing in, for an admin site: its pages, and which sessions have access."""

    def get_urls(self) -> list:
        return [
            path("login/code/", CodeView.as_view(), name="code"),
            path("second-factor/", self.admin_view(second_factor_page), name="second_factor"),
            *super().get_urls(),
        ]

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and matches_device(request)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Where a second factor is required, users without one are sent to its page from all others."""
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
        if not matches_device(request):
            logout(request)
        context = {
            **self.each_context(request),
            "title": _("Log in"),
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
        }
        return PasswordView.as_view(extra_context=context)(request)
