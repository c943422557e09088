"""Tables of the HTTP kit: revoked tokens, sign-in attempts, idempotency keys; and the base of secret addresses."""

import secrets
from datetime import datetime
from hashlib import sha256

from django.conf import settings
from django.db import models

from crm import dates
from crm.db.models import TimestampedModel


class RevokedToken(models.Model):
    """A session (its `sid`) or a single refresh token (its `jti`) that is revoked, until it would have expired."""

    name = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.name

    @classmethod
    def revoke(cls, name: str, expires_at: datetime) -> bool:
        """Revoke it. False where it was already: of racing callers one gets True."""
        return cls.objects.get_or_create(name=name, defaults={"expires_at": expires_at})[1]


class SignInAttempts(models.Model):
    """The moments of the latest attempts to sign in that count against a limit; see crm.api.login_limits."""

    key = models.CharField(max_length=64, unique=True, help_text="digest of what the limit counts by")
    times = models.JSONField(default=list, help_text="seconds since 1970")
    updated_at = models.DateTimeField(default=dates.now, db_index=True)

    class Meta:
        verbose_name_plural = "sign-in attempts"

    def __str__(self) -> str:
        return self.key


class IdempotencyKey(models.Model):
    """An answered POST, stored so that a retry gets the same answer; see crm.api.idempotency."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    request = models.CharField(max_length=64, help_text="digest of method, path and body")
    status = models.PositiveSmallIntegerField(null=True)
    content = models.BinaryField(default=bytes)
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=dates.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once_per_user")]

    def __str__(self) -> str:
        return self.key


class SecretAddress(TimestampedModel):
    """Base of a user's secret address of a file, such as a calendar feed; only its digest is stored."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)

    class Meta(TimestampedModel.Meta):
        abstract = True

    @classmethod
    def renew(cls, user) -> str:
        """Create the user's address and revoke the former one. The secret is not stored and cannot be shown again."""
        secret = secrets.token_urlsafe(32)
        cls.objects.update_or_create(user=user, defaults={"digest": cls.digest_of(secret)})
        return secret

    @classmethod
    def user_of(cls, secret: str) -> int | None:
        """The id of its active user. The look-up is by digest: its time does not say how much of a guess is right."""
        known = cls.objects.filter(digest=cls.digest_of(secret), user__is_active=True)
        return known.values_list("user", flat=True).first()

    @staticmethod
    def digest_of(secret: str) -> str:
        return sha256(secret.encode("utf-8", "replace")).hexdigest()
