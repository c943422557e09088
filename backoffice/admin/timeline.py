"""The timeline of a lead (lead.timeline) in the admin: what the user may view, with links to the pages."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _

from contact.models import Contact
from lead.models import Policy
from lead.timeline import Cursor, Timeline, Viewer

PAGE = 50


def timeline_page(
    lead: int, user: Any, before: Cursor | None = None, size: int = PAGE
) -> tuple[list[dict[str, Any]], Cursor | None]:
    """The newest entries before a cursor, and the cursor of the next page, None on the last one."""
    viewer = Viewer(user, current_zone(), partial(may_view, user))
    entries, older = Timeline(lead, viewer).page(before, size)
    return [
        {
            "kind": entry.source.kind.lower(),  # a CSS class
            "title": entry.description.title,
            "text": entry.description.details,
            "order": entry.description.order,
            "moment": entry.cursor.at,
            "by": entry.row.created_by,
            "href": page_url(entry.about) if entry.about and may_view(user, type(entry.about)) else "",
        }
        for entry in entries
    ], older


def hidden_contacts(contacts: Iterable[tuple[Contact, int]], user: Any) -> set[int]:
    """The ids of those that the user may not see, of contacts each with the lead of a row that names it.

    One query, and only where one of them works for another lead by now.
    """
    moved = {contact.pk for contact, lead in contacts if contact.restaurant_id != lead}
    if not moved or Policy.of(user).sees_everything:
        return set()
    return moved - set(Contact.objects.visible_to(user).filter(pk__in=moved).values_list("pk", flat=True))


def may_view(user: Any, model: type[models.Model]) -> bool:
    """As in Django's admin, the permission to change includes the one to view."""
    meta = model._meta
    return any(user.has_perm(f"{meta.app_label}.{verb}_{meta.model_name}") for verb in ("view", "change"))


def page_url(row: models.Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk]) + "?back=lead"


def day(moment: datetime) -> str:
    """The local date, in the zone that the page shows."""
    return date_format(moment.astimezone(current_zone()), _("j M Y"))


def current_zone() -> ZoneInfo:
    """The viewer's, where the page has activated it; else the server's."""
    return get_current_timezone()
