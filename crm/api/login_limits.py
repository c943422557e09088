"""How often a password may be guessed: exact across threads and processes, counted before the password is looked at.

After PER_NAME wrong passwords of one name from one address, or PER_ADDRESS from one address, within WINDOW, further
attempts are refused with 429. An attempt is reserved before the check and released if the password was right; the
row's lock makes concurrent guesses pass one by one.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from hashlib import sha256
from math import ceil
from typing import TypeVar

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.db import transaction
from django.http import HttpRequest
from rest_framework.exceptions import Throttled

from crm import dates
from crm.models import SignInAttempts

T = TypeVar("T")

WINDOW = timedelta(minutes=15)
PER_NAME = 10
PER_ADDRESS = 100


class TooManyAttempts(Throttled):
    """429, with the seconds until the next attempt in `wait`."""

    default_detail = "Too many wrong passwords."
    wait: float


class LimitedBackend(ModelBackend):
    """Django's own backend behind the limit; the API and the admin both sign in through it."""

    def authenticate(self, request, username=None, password=None, **kwargs):
        check = partial(super().authenticate, request, username, password, **kwargs)
        if request is None or username is None or password is None:
            return check()
        return limited(request, username, check)


def limited(request: HttpRequest, username: str, check: Callable[[], T]) -> T:
    """Run `check` for a sign-in as `username`; a falsy result counts as a failure.

    Raises TooManyAttempts before `check` runs where a limit is reached; where `check` raises it, nothing is counted.
    """
    if not settings.THROTTLE:
        return check()
    address = request.META.get("REMOTE_ADDR", "")
    limits = {_digest(address): PER_ADDRESS, _digest(address, username.casefold()): PER_NAME}
    moment = reserve_attempt(limits)
    try:
        answer = check()
    except TooManyAttempts:
        release_attempt(limits, moment)
        raise
    if answer:
        release_attempt(limits, moment)
    return answer


def reserve_attempt(limits: dict[str, int]) -> float:
    """Count an attempt against every limit and return its moment. Raises TooManyAttempts, counting nothing."""
    with transaction.atomic():
        rows = [_locked(key) for key in sorted(limits)]
        moment = dates.now().timestamp()  # read under the lock: a request that waited comes after those that held it
        for row in rows:
            row.times = [time for time in row.times if time > moment - WINDOW.total_seconds()]
        waits = [row.times[0] + WINDOW.total_seconds() - moment for row in rows if len(row.times) >= limits[row.key]]
        if waits:
            raise TooManyAttempts(wait=ceil(max(waits)))
        for row in rows:
            _store(row, [*row.times, moment])
    return moment


def release_attempt(limits: dict[str, int], moment: float) -> None:
    """The password was right: the attempt does not count."""
    with transaction.atomic():
        for key in sorted(limits):
            row = _locked(key)
            with suppress(ValueError):
                row.times.remove(moment)
                _store(row, row.times)


def _locked(key: str) -> SignInAttempts:
    SignInAttempts.objects.bulk_create([SignInAttempts(key=key)], ignore_conflicts=True)
    return SignInAttempts.objects.select_for_update().get(key=key)


def _store(row: SignInAttempts, times: list[float]) -> None:
    row.times = times
    row.updated_at = dates.now()
    row.save(update_fields=["times", "updated_at"])


def _digest(*parts: str) -> str:
    """Counters hold digests: names and addresses are personal data."""
    return sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()
