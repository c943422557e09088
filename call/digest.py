"""The agenda by mail, on the morning of each user's working day, once, however often and wherever the command runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from call.agenda import Agenda
from call.models import SentDigest
from call.models.work_profile import calendar_of
from lead.models.access import policies_queried_once

MORNING = range(6, 12)  # local hours


@dataclass(frozen=True)
class Digest:
    """A user's calls of the local `day`."""

    user: Any
    day: date
    body: dict[str, Any]

    def send(self) -> bool:
        """Mail it. False where another process has claimed it. A mail that fails may be tried again."""
        claim, is_ours = SentDigest.objects.get_or_create(user=self.user, day=self.day)
        if not is_ours:
            return False
        try:
            self.mail().send()
        except Exception:
            claim.delete()
            raise
        return True

    def mail(self) -> EmailMultiAlternatives:
        titles = {"overdue": _("Overdue"), "today": _("Today"), "at_risk": _("At risk")}
        lists = [(title, self.body[part]) for part, title in titles.items()]
        context = {"user": self.user, "lists": [(title, entries) for title, entries in lists if entries]}
        mail = EmailMultiAlternatives(
            subject=self.subject(),
            body=render_to_string("call/digest.txt", context),
            from_email=settings.DEFAULT_FROM_EMAIL,
            to=[self.user.email],
        )
        mail.attach_alternative(render_to_string("call/digest.html", context), "text/html")
        return mail

    def subject(self) -> str:
        due, at_risk = len(self.body["overdue"]) + len(self.body["today"]), len(self.body["at_risk"])
        if due:
            text, count = ngettext("%(count)s call for %(day)s", "%(count)s calls for %(day)s", due), due
        else:
            text = ngettext("%(count)s account at risk on %(day)s", "%(count)s accounts at risk on %(day)s", at_risk)
            count = at_risk
        return text % {"count": count, "day": date_format(self.day, _("l, d F Y"))}


def digests_at(moment: datetime) -> Iterator[Digest]:
    """The digests to be sent: of users with an address, whose local morning of a working day it is, and who have calls
    due or accounts at risk: a day without calls is one to call these on.
    """
    for user in get_user_model().objects.filter(is_active=True).exclude(email="").order_by("id").iterator():
        calendar = calendar_of(user.pk)
        local = moment.astimezone(calendar.zone)
        if local.hour not in MORNING or calendar.is_day_off(local.date()):
            continue
        if SentDigest.objects.filter(user=user, day=local.date()).exists():
            continue
        with policies_queried_once():
            body = Agenda(user, user.pk, local.date(), calendar.zone, days=0).body()
        if body["overdue"] or body["today"] or body["at_risk"]:
            yield Digest(user, local.date(), body)
