"""An account's health by the rhythm of its own orders: pure, no database, no clock.

An order day is a local date with at least one order. The gaps are the days between successive order days, the last
GAPS of them. The usual gap is their median, the longest one the largest; from OUTLIER gaps on the second largest, so
that one long holiday does not hide a silence. docs/back-office.md has the verdicts.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from math import ceil
from typing import NamedTuple

from django.db.models import TextChoices
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _

from crm.formats import day_inside

GAPS = 12  # the last ones; older habits do not count
OUTLIER = 10  # from so many gaps on, the largest one does not count
ENOUGH = 4  # order days


class Verdict(TextChoices):
    """How an account does, worst first."""

    SILENT = "SILENT", _("Silent")
    LATE = "LATE", _("Late")
    DUE = "DUE", _("Due")
    ON_RHYTHM = "ON_RHYTHM", _("On rhythm")
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA", _("Insufficient data")
    NEVER_ORDERED = "NEVER_ORDERED", _("Never ordered")
    QUIET = "QUIET", _("Quiet")


RANK = {str(verdict): place for place, verdict in enumerate(Verdict)}
AT_RISK = frozenset({str(Verdict.SILENT), str(Verdict.LATE)})


class Health(NamedTuple):
    """Days are counted; what does not exist is None. `days` are the last GAPS + 1 order days, oldest first."""

    verdict: str
    order_days: int
    days: tuple[date, ...]
    days_since: int | None
    usual_gap: float | None
    longest_gap: int | None
    quiet_until: date | None

    @property
    def last_order_day(self) -> date | None:
        return self.days[-1] if self.days else None

    @property
    def gaps(self) -> list[int]:
        """Oldest first."""
        return [(later - earlier).days for earlier, later in pairwise(self.days)]

    @property
    def expected_on(self) -> date | None:
        """The last order day and the usual gap, rounded up."""
        return self.days[-1] + timedelta(days=ceil(self.usual_gap)) if self.usual_gap is not None else None

    @property
    def overdue(self) -> float:
        """How many usual gaps have passed since the last order; 0 where there is no usual gap."""
        return self.days_since / self.usual_gap if self.usual_gap and self.days_since else 0.0

    @property
    def order(self) -> tuple[int, float]:
        """Worst first."""
        return RANK[self.verdict], -self.overdue

    @property
    def sentence(self) -> str:
        """The verdict as a person would say it."""
        if self.days_since is None:
            said = gettext("No order yet")
        else:
            said = self.rhythm_said(last_order(get_language(), self.days_since))
        if self.quiet_until:
            day = day_inside(self.quiet_until)
            return gettext("%(said)s; quiet until %(day)s as agreed.") % {"said": said, "day": day}
        return f"{said}."

    def rhythm_said(self, last: str) -> str:
        """The rhythm, where there is one, and the last order."""
        if self.order_days < ENOUGH:
            return few_days(get_language(), self.order_days) % {"count": self.order_days, "last": last}
        if self.usual_gap is None:
            return last
        text = rhythm(get_language(), plural_of(self.usual_gap))
        return text % {"count": f"{self.usual_gap:g}", "longest": self.longest_gap, "last": last}


def health(days: Sequence[date], on: date, quiet_until: date | None = None) -> Health:
    """The health on the day `on` of an account with these order `days`: ascending, each once, none after `on`.

    `quiet_until` is the last day of an agreed silence that is in effect.
    """
    recent = tuple(days[-GAPS - 1 :])
    since = (on - recent[-1]).days if recent else None
    gaps = sorted([later - earlier for earlier, later in pairwise([day.toordinal() for day in recent])])
    usual = median(gaps) if gaps else None
    longest = gaps[-2 if len(gaps) >= OUTLIER else -1] if gaps else None
    verdict = str(Verdict.QUIET) if quiet_until else verdict_of(len(days), since, usual, longest)
    return Health(verdict, len(days), recent, since, usual, longest, quiet_until)


def verdict_of(order_days: int, since: int | None, usual: float | None, longest: int | None) -> str:
    if since is None:
        return "NEVER_ORDERED"
    if order_days < ENOUGH or usual is None or longest is None:
        return "INSUFFICIENT_DATA"
    if since <= usual:
        return "ON_RHYTHM"
    if since <= 2 * usual:
        return "DUE"
    return "LATE" if since <= longest else "SILENT"


def median(gaps: list[int]) -> float:
    """Of sorted numbers; a whole number where it is one."""
    middle = len(gaps) // 2
    if len(gaps) % 2:
        return gaps[middle]
    double = gaps[middle - 1] + gaps[middle]
    return double // 2 if double % 2 == 0 else double / 2


# Looking a translation up takes longer than everything else of a sentence, and a long list has thousands.
remembered = lru_cache(maxsize=2_000)


@remembered
def last_order(language: str | None, days_ago: int) -> str:
    """In the language, which is the active one."""
    if days_ago == 0:
        return gettext("last order today")
    return ngettext("last order %(count)s day ago", "last order %(count)s days ago", days_ago) % {"count": days_ago}


@remembered
def few_days(language: str | None, count: int) -> str:
    return ngettext("Only %(count)s order day so far; %(last)s", "Only %(count)s order days so far; %(last)s", count)


@remembered
def rhythm(language: str | None, count: int) -> str:
    return ngettext(
        "Orders about every %(count)s day, at longest %(longest)s; %(last)s",
        "Orders about every %(count)s days, at longest %(longest)s; %(last)s",
        count,
    )


def plural_of(number: float) -> int:
    """The whole number that takes the same form of a noun: 1.5 days, as 2."""
    return ceil(number)
