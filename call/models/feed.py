import secrets
from hashlib import sha256

from django.conf import settings
from django.db import models

from crm.db.models import TimestampedModel


class FeedAddress(TimestampedModel):
    """The secret address of a user's calendar feed; only its digest is stored."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)

    class Meta(TimestampedModel.Meta):
        verbose_name_plural = "feed addresses"

    def __str__(self) -> str:
        return f"feed of {self.user}"

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
