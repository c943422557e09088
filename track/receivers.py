"""What agreed silences do when two leads become one; connected in track.apps."""

from typing import Any

from crm import dates
from crm.db.merging import Journal
from lead.models import Restaurant
from track.models import Interaction, QuietMark


def on_leads_merging(
    sender: Any, survivor: Restaurant, dropped: Restaurant, journal: Journal, by: Any, **kwargs: Any
) -> None:
    """The survivor's silence stays, else the other's. The latest mark of a lead counts: it is set again if need be."""
    zone = dates.server_zone()
    today = dates.today(zone)
    marks = QuietMark.objects.using(journal.using).filter(lead__in=[survivor, dropped])
    orders = Interaction.objects.using(journal.using).filter(lead__in=[survivor, dropped]).dated_orders()
    orders = orders.filter(ordered_at__lt=dates.bounds_of_day(today, zone)[1])
    in_effect = {
        mark.lead_id: mark
        for mark in marks.covering(today)
        if not orders.filter(ordered_at__gt=mark.created_at).exists()
    }
    stays = in_effect.get(survivor.pk) or in_effect.get(dropped.pk)
    if stays and stays != marks.order_by("id").last():
        journal.created(survivor.quiet_marks.create(until=stays.until, reason=stays.reason, created_by=by))  # type: ignore[attr-defined]
