"""Taps on My day, and what it shows."""

from call.models import CallEvent, CallPlan

PATH = "/admin/my-day/"


def tap(browser, do, row=None, *, key="tap-1", script=True, **fields):
    """Post what a button of the page posts."""
    if isinstance(row, CallPlan):
        fields = {"plan": row.pk, "seen": row.events.count() and row.events.latest("id").pk, **fields}
    elif isinstance(row, CallEvent):
        fields = {"event": row.pk, **fields}
    elif row is not None:
        fields = {"lead": row.pk, **fields}
    headers = {"X-Requested-With": "fetch"} if script else {}
    return browser.post(PATH, {"key": key, "do": do, **fields}, headers=headers)


def queue(browser) -> dict[str, list[str]]:
    """The names in each list."""
    return {
        section.key: [entry.lead["name"] for entry in section.entries]
        for section in browser.get(PATH).context["sections"]
        if section.entries
    }
