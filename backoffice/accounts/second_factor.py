"""An account's second factor: an authenticator app's code (TOTP, RFC 6238), and recovery codes for when it is lost.

An account has one confirmed device at most. Setting one up, or another one, ends the account's other sessions: each
session remembers the device whose code it was opened with (backoffice.accounts.sessions).
"""

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from crm import dates
from crm.api.login_limits import TooManyAttempts

RECOVERY_CODES = 10
APP_DIGITS = 6  # recovery codes are longer


def with_device(users: QuerySet) -> QuerySet:
    """Each user with the id of the confirmed device, or None, in `second_factor`."""
    devices = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
    return users.annotate(second_factor=Subquery(devices.values("pk")[:1]))


def device_of(user: AbstractBaseUser) -> TOTPDevice | None:
    """The confirmed device, whose codes are required to sign in as `user`."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def draft_of(user: AbstractBaseUser) -> TOTPDevice | None:
    """The device that waits for its first code. Its secret may be shown."""
    return TOTPDevice.objects.filter(user=user, confirmed=False).last()


def codes_left(user: AbstractBaseUser) -> int:
    return StaticToken.objects.filter(device__user=user).count()


def begin(user: AbstractBaseUser) -> None:
    """Draft a device with a new secret, unless the user has a confirmed one."""
    with transaction.atomic():
        cancel(user)
        if device_of(user) is None:
            TOTPDevice.objects.create(user=user, name="Authenticator app", confirmed=False)


def cancel(user: AbstractBaseUser) -> None:
    TOTPDevice.objects.filter(user=user, confirmed=False).delete()


def confirm(user: AbstractBaseUser, code: str) -> TOTPDevice | None:
    """The draft, confirmed by one of its codes; None where the code is wrong. Raises TooManyAttempts.

    A confirmed device has to be removed first, which takes more than an open session.
    """
    with transaction.atomic():
        devices = list(TOTPDevice.objects.select_for_update().filter(user=user).order_by("pk"))
        if not devices or any(device.confirmed for device in devices) or not verify_on(devices[-1], code):
            return None
        draft = devices[-1]
        TOTPDevice.objects.filter(pk=draft.pk).update(confirmed=True)
        log_change(user, "Set up the second factor.", by=user)
    return draft


def make_recovery_codes(user: AbstractBaseUser) -> list[str]:
    """New recovery codes, each good for one sign-in; earlier ones are no longer valid."""
    with transaction.atomic():
        StaticDevice.objects.filter(user=user).delete()
        device = StaticDevice.objects.create(user=user, name="Recovery codes")
        codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
        StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return codes


def verify(user: AbstractBaseUser, code: str) -> bool:
    """Whether `code` is one of the app or a recovery code; each is valid once. Raises TooManyAttempts."""
    kind: type[Device] = TOTPDevice if len(code) == APP_DIGITS else StaticDevice
    with transaction.atomic():
        device = kind.objects.select_for_update().filter(user=user, confirmed=True).first()
        return device is not None and verify_on(device, code)


def remove(user: AbstractBaseUser, *, by: AbstractBaseUser | None = None) -> bool:
    """Back to the password alone, by its owner, a superuser or a command. False if there was no second factor."""
    with transaction.atomic():
        StaticDevice.objects.filter(user=user).delete()
        removed = TOTPDevice.objects.filter(user=user).delete()[0] > 0
        if removed:
            log_change(
                user, "Removed the second factor." if by else "A command removed the second factor.", by=by or user
            )
    return removed


def verify_on(device: Device, code: str) -> bool:
    """Whether the code is valid on the device, which after wrong ones refuses all for 1, 2, 4, 8 … seconds."""
    allowed, refusal = device.verify_is_allowed()
    if not allowed:
        raise TooManyAttempts(wait=max(1.0, (refusal["locked_until"] - dates.now()).total_seconds()))
    return device.verify_token(code)


def log_change(user: AbstractBaseUser, message: str, *, by: AbstractBaseUser) -> None:
    """Adds an entry to the history of the user's page."""
    LogEntry.objects.log_actions(by.pk, [user], CHANGE, message, single_object=True)
