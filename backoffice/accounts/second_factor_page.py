"""The page _("Second factor"): set one up, confirm it by a code, see the recovery codes once, remove it."""

from base64 import b32encode
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import RedirectURLMixin
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import TemplateView
from django_otp.plugins.otp_totp.models import TOTPDevice

from backoffice.accounts import second_factor
from backoffice.accounts.forms import CodeForm, ConfirmForm, ProofForm
from backoffice.accounts.sessions import DEVICE, redirect_with_next


@method_decorator(sensitive_post_parameters(), name="dispatch")
class SecondFactorPage(RedirectURLMixin, TemplateView):
    template_name = "backoffice/second_factor.html"
    next_page = "admin:index"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user: Any = self.request.user
        device, draft = second_factor.device_of(user), second_factor.draft_of(user)
        state: dict[str, Any] = {"device": device}
        if device:
            state |= {"codes_left": second_factor.codes_left(user), "form": ProofForm(self.request, user)}
        elif draft:
            state |= {"draft": draft, "form": ConfirmForm(self.request, user), **secret_context(draft)}
        return {
            **admin.site.each_context(self.request),
            "title": _("Second factor"),
            "required": settings.REQUIRE_SECOND_FACTOR,
            REDIRECT_FIELD_NAME: self.get_redirect_url(),
            "continue_url": self.get_success_url(),
            **state,
            **super().get_context_data(**kwargs),
        }

    def post(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user
        match request.POST.get("do"):
            case "begin":
                second_factor.begin(user)
            case "cancel":
                second_factor.cancel(user)
            case "confirm":
                form = ConfirmForm(request, user, request.POST)
                return self.confirmed(form) if form.is_valid() else self.form_invalid(form)
            case "codes" | "remove" as action:
                proof = ProofForm(request, user, request.POST)
                if not proof.is_valid():
                    return self.form_invalid(proof)
                if action == "codes":
                    return self.show_recovery_codes()
                if second_factor.remove(user, by=user):
                    messages.success(request, _("Your second factor is removed. Your password alone signs you in."))
        return redirect_with_next("admin:second_factor", self.get_redirect_url())

    def form_invalid(self, form: CodeForm) -> HttpResponse:
        return form.set_status(self.render_to_response(self.get_context_data(form=form)))

    def confirmed(self, form: ConfirmForm) -> HttpResponse:
        self.request.session[DEVICE] = form.device.pk
        self.request.session.cycle_key()
        return self.show_recovery_codes()

    def show_recovery_codes(self) -> HttpResponse:
        """The one response that shows recovery codes."""
        user: Any = self.request.user
        codes = second_factor.make_recovery_codes(user)
        return self.render_to_response(self.get_context_data(codes=codes))


def secret_context(draft: TOTPDevice) -> dict[str, Any]:
    """The draft's secret for the authenticator app: to read, to click and to scan."""
    secret = b32encode(draft.bin_key).decode()
    return {
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "uri": draft.config_url,
        "qr": qr_code(draft.config_url),
    }


def qr_code(text: str) -> SafeString:
    """`text` as a QR code, in SVG: dark on light with a margin of four modules, whatever the page's colours."""
    import qrcode  # which loads an imaging library where there is one

    code = qrcode.QRCode(border=4)
    code.add_data(text)
    modules = code.get_matrix()
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(modules) for x, dark in enumerate(row) if dark)
    return format_html(
        '<svg class="qr-code" role="img" aria-label="{label}" width="240" height="240" viewBox="0 0 {size} {size}"'
        ' shape-rendering="crispEdges">'
        '<rect width="{size}" height="{size}" fill="#fff"/><path fill="#000" d="{path}"/></svg>',
        label=_("QR code"),
        size=len(modules),
        path=path,
    )


second_factor_page = SecondFactorPage.as_view()
