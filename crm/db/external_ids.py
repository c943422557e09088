"""Ids of rows in other systems, such as the customer number of an ERP: the base of one table for each kind of row.

An id is a `value` in a `source`, the system that gave it; a row may have several. Written in one piece it is
`source:value`, so that a source has no colon.
"""

from typing import Any

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from crm.db.models import TimestampedModel

MAX_SOURCE, MAX_VALUE = 50, 254  # characters
SOURCE = r"[A-Za-z0-9._-]{1,50}"
SOURCE_VALIDATOR = RegexValidator(
    rf"\A{SOURCE}\Z", gettext_lazy("Use 1 to 50 letters, digits, dots, dashes and underscores.")
)


class ExternalIdModel(TimestampedModel):
    """The row that it names is a foreign key of the subclass, with the related name `external_ids`."""

    source = models.CharField(max_length=MAX_SOURCE, validators=[SOURCE_VALIDATOR])
    value = models.CharField(max_length=MAX_VALUE)

    class Meta(TimestampedModel.Meta):
        abstract = True
        constraints: Any = [
            models.UniqueConstraint(fields=["source", "value"], name="%(class)s_unique"),
            models.CheckConstraint(
                condition=~Q(source="") & ~Q(value="") & ~Q(source__contains=":"), name="%(class)s_well_formed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source}:{self.value}"
