"""Links to years, then months, then days, each a `date_from` and a `date_to`.

Not Django's `date_hierarchy`, whose SELECT DISTINCT reads every row; the first and last date come from an index.
"""

import calendar
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from django.db.models import Max, Min
from django.utils.formats import date_format
from django.utils.translation import gettext as _


class Period(NamedTuple):
    """A year, a month of it, or a day of that."""

    year: int
    month: int = 0
    day: int = 0

    def __str__(self) -> str:
        if self.day:
            return str(self.day)
        return date_format(self.bounds[0], "F") if self.month else str(self.year)

    @property
    def bounds(self) -> tuple[date, date]:
        """The first and the last day."""
        last_month = self.month or 12
        last_day = self.day or calendar.monthrange(self.year, last_month)[1]
        return date(self.year, self.month or 1, self.day or 1), date(self.year, last_month, last_day)

    def parts(self) -> list["Period"]:
        if self.day:
            return []
        if self.month:
            days = calendar.monthrange(self.year, self.month)[1]
            return [Period(self.year, self.month, day) for day in range(1, days + 1)]
        return [Period(self.year, month) for month in range(1, 13)]

    def path(self) -> list["Period"]:
        """Its year, its month, and itself."""
        return [Period(*self[:count]) for count in (1, 2, 3) if count == 1 or self[count - 1]]


class Periods:
    """The links of a list whose `filterset` is one of DateRangeFilters."""

    def __init__(self, changelist: Any, filterset: Any) -> None:
        self.changelist, self.filterset = changelist, filterset
        data = filterset.form.cleaned_data if filterset.is_valid() else {}
        self.chosen = chosen_period(data.get("date_from"), data.get("date_to"))

    def link(self, label: str, period: Period | None) -> dict[str, str]:
        first, last = period.bounds if period else (None, None)
        return {
            "label": label,
            "href": self.changelist.get_query_string({"date_from": first, "date_to": last}),
        }

    def above(self) -> list[dict[str, str]]:
        """The way back up."""
        if self.chosen is None:
            return []
        return [
            self.link(_("All dates"), None),
            *[self.link(str(period), period) for period in self.chosen.path()[:-1]],
        ]

    def __iter__(self) -> Iterator[dict[str, str]]:
        for period in self.chosen.parts() if self.chosen else self.years():
            yield self.link(str(period)[:3] if period.month and not period.day else str(period), period)

    def years(self) -> list[Period]:
        """The latest first."""
        field, zone = self.filterset.date_field, self.filterset.zone
        ends = self.changelist.root_queryset.order_by().aggregate(first=Min(field), last=Max(field))
        if ends["first"] is None:
            return []
        first, last = (ends[end].astimezone(zone).year for end in ("first", "last"))
        return [Period(year) for year in range(last, first - 1, -1)]


def chosen_period(first: date | None, last: date | None) -> Period | None:
    """The period that goes from the day `first` to the day `last`, if one does."""
    if first is None or last is None:
        return None
    periods = [Period(first.year), Period(first.year, first.month), Period(first.year, first.month, first.day)]
    return next((period for period in periods if period.bounds == (first, last)), None)
