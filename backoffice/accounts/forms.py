"""The forms of signing in and of the second factor: password, code, confirmation of a device, proof of identity."""

from math import ceil
from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from backoffice.accounts import second_factor
from crm.api.login_limits import TooManyAttempts, limited


class LimitedForm(forms.Form):
    """A form that is refused unread after too many wrong ones, and says how long to wait."""

    refusal: TooManyAttempts | None = None

    def refuse(self, refusal: TooManyAttempts) -> ValidationError:
        self.refusal = refusal
        return ValidationError(
            _("Too many wrong attempts. Please wait %(time)s, then try again.") % {"time": duration(refusal.wait)}
        )

    def set_status(self, response: HttpResponse) -> HttpResponse:
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
            raise self.refuse(refusal) from None


class CodeForm(LimitedForm):
    wrong_code: Any = gettext_lazy("This code is wrong, has been used or is too old.")

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=32,
        help_text=gettext_lazy("The six digits that your authenticator app shows, or one of your recovery codes."),
        widget=forms.TextInput({"autocomplete": "one-time-code", "autofocus": True, "autocapitalize": "none"}),
    )

    def __init__(self, request: HttpRequest, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.user = request, user

    def clean_code(self) -> str:
        code = "".join(self.cleaned_data["code"].split()).lower()
        try:
            is_right = limited(self.request, self.user.get_username(), lambda: self.check_code(code))
        except TooManyAttempts as refusal:
            raise self.refuse(refusal) from None
        if not is_right:
            raise ValidationError(self.wrong_code)
        return code

    def check_code(self, code: str) -> bool:
        return second_factor.verify(self.user, code)


class ConfirmForm(CodeForm):
    """Confirms the device that is being set up, then in `device`."""

    device: Any = None

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=32,
        help_text=gettext_lazy("The six digits that the app shows now."),
        widget=forms.TextInput({"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def check_code(self, code: str) -> bool:
        self.device = second_factor.confirm(self.user, code)
        return self.device is not None


class ProofForm(CodeForm):
    """Required to change a second factor, so that a screen left open is not enough."""

    wrong_code: Any = gettext_lazy("This is neither your password nor a code that is good now.")

    code = forms.CharField(
        label=gettext_lazy("Your password or a code"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )

    def check_code(self, code: str) -> bool:
        return self.user.check_password(self.cleaned_data["code"]) or super().check_code(code)


def duration(seconds: float) -> str:
    """Whole minutes, rounded up, or seconds where it is less than one minute."""
    if seconds <= 60:
        return ngettext("%(count)s second", "%(count)s seconds", ceil(seconds)) % {"count": ceil(seconds)}
    minutes = ceil(seconds / 60)
    return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}
