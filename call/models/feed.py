from django.utils.translation import gettext_lazy

from crm.models import SecretAddress


class FeedAddress(SecretAddress):
    """The secret address of a user's calendar feed."""

    class Meta(SecretAddress.Meta):
        verbose_name_plural = gettext_lazy("feed addresses")

    def __str__(self) -> str:
        return f"feed of {self.user}"
