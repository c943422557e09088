"""The latest actions of a user in the admin, without the names of rows that the user may not see any more."""

from collections import defaultdict
from typing import Any

from django.contrib.admin.models import DELETION, LogEntry

from crm.api.serializers import id_of
from crm.db.models import TimestampedModel
from lead.models import Policy

SHOWN = 50
READ = 500  # entries, of which the first SHOWN that may be seen are shown


def latest_actions(user: Any) -> list[LogEntry]:
    """The newest first. For users who do not see everything: of rows that they may see now, and deletions."""
    entries = LogEntry.objects.filter(user=user.pk).select_related("content_type", "user")
    if Policy.of(user).sees_everything:
        return list(entries[:SHOWN])
    latest = list(entries[:READ])
    changed = defaultdict(set)
    for entry in latest:
        if entry.action_flag != DELETION and (pk := id_of(entry.object_id or "")):
            changed[model_of(entry)].add(pk)
    visible = {
        model: set(model.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))  # type: ignore[attr-defined]
        for model, ids in changed.items()
        if model and issubclass(model, TimestampedModel)
    }

    def may_be_seen(entry: LogEntry) -> bool:
        rows = visible.get(model_of(entry))
        return entry.action_flag == DELETION or rows is None or id_of(entry.object_id or "") in rows

    return list(filter(may_be_seen, latest))[:SHOWN]


def model_of(entry: LogEntry) -> Any:
    return entry.content_type and entry.content_type.model_class()
