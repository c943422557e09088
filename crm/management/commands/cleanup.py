"""Delete expired rows: stored answers, revoked tokens, counted sign-in attempts and sessions.

Run it once a day. It deletes in small batches, so that it may run beside the server.
"""

from django.contrib.sessions.models import Session
from django.core.management.base import BaseCommand
from django.db.models import QuerySet

from crm import dates
from crm.api import idempotency, login_limits
from crm.models import IdempotencyKey, RevokedToken, SignInAttempts

BATCH = 1_000  # rows a transaction


def delete(expired: QuerySet) -> int:
    """Each batch is filtered again as it is deleted: a row that was renewed in between stays."""
    total = 0
    while keys := list(expired.values_list("pk", flat=True)[:BATCH]):
        total += expired.filter(pk__in=keys).delete()[0]
    return total


class Command(BaseCommand):
    help = __doc__

    def handle(self, **options) -> None:
        now = dates.now()
        for what, expired in {
            "idempotency keys": IdempotencyKey.objects.filter(created_at__lt=now - idempotency.RETENTION),
            "revoked tokens": RevokedToken.objects.filter(expires_at__lt=now),
            "sign-in attempts": SignInAttempts.objects.filter(updated_at__lt=now - login_limits.WINDOW),
            "sessions": Session.objects.filter(expire_date__lt=now),
        }.items():
            self.stdout.write(f"Deleted {delete(expired):,} {what}.")
