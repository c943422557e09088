"""Charts drawn on the server: inline SVG that fits any width and is accessible without scripts or colours.

Lengths across are percentages, so text keeps its size on a phone. What a chart shows is in its name and description,
in each bar's own words, and where there is one in the table below it. A bar with `href` is a link.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import ceil
from typing import Any

from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.utils.translation import gettext as _

Figure = Decimal | int | float

ROW = 44  # pixels: the label, and its bar under it
TOP, HEIGHT, BOTTOM = 22, 140, 20  # pixels: caption, columns, tick labels
TICKS, SPARSE = 12, 8  # up to so many columns have a label each, more have fewer; half of them show on a phone
LONGEST = 34  # characters of a label beside its text


@dataclass(frozen=True)
class Bar:
    """`value` gives the length, `text` says it in words. `tick` is a shorter `label` for below a column."""

    label: str
    value: Figure
    text: str
    href: str = ""
    tick: str = ""


def bars(
    title: str,
    description: str,
    bars: Sequence[Bar],
    *,
    whole: Figure | None = None,
    table: bool = False,
    heading: str = "",
    unit: str = "",
) -> SafeString:
    """Bars one below the other, each under its label and text: for things that have names.

    `whole` is what fills the width; else the longest bar does. The `table` says the same once more; `heading` and
    `unit` are its column headers. Titles are unique in a page.
    """
    longest = max((bar.value for bar in bars), default=0) if whole is None else whole
    rows = [
        {
            "bar": bar,
            "label": bar.label if len(bar.label) <= LONGEST else f"{bar.label[: LONGEST - 1].rstrip()}…",
            "top": number * ROW,
            "text_y": number * ROW + 16,
            "bar_y": number * ROW + 24,
            "length": f"{percent(bar.value, longest):.2f}%",
        }
        for number, bar in enumerate(bars)
    ]
    words = {"title": title, "description": description, "table": table, "heading": heading, "unit": unit}
    return drawn("bars", rows, {**words, "height": len(bars) * ROW})


def columns(
    title: str, description: str, bars: Sequence[Bar], *, table: bool = True, heading: str = "", unit: str = ""
) -> SafeString:
    """Columns side by side: for the same thing over time. As `bars`; of the labels, some are below the columns."""
    highest = max(bars, key=lambda bar: bar.value, default=None)
    width = 100 / max(len(bars), 1)
    every = 1 if len(bars) <= TICKS else ceil(len(bars) / SPARSE)
    rows = []
    for number, bar in enumerate(bars):
        height = percent(bar.value, highest.value if highest else 0) * HEIGHT / 100
        rows.append(
            {
                "bar": bar,
                "x": f"{number * width:.3f}%",
                "bar_x": f"{(number + 0.1) * width:.3f}%",
                "tick_x": f"{(number + (0.5 if every == 1 else 0.1)) * width:.3f}%",
                "y": f"{TOP + HEIGHT - height:.1f}",
                "height": f"{height:.1f}",
                "tick": number % every == 0 and number + every <= len(bars) and (bar.tick or bar.label),
                "is_minor": number % (2 * every) != 0,
            }
        )
    words = {"title": title, "description": description, "table": table, "heading": heading, "unit": unit}
    frame = {
        "highest": highest,
        "width": f"{width:.3f}%",
        "bar_width": f"{0.8 * width:.3f}%",
        "anchor": "middle" if every == 1 else "start",
        "top": TOP,
        "columns": HEIGHT,
        "base": TOP + HEIGHT,
        "ticks_y": TOP + HEIGHT + 15,
        "height": TOP + HEIGHT + BOTTOM,
    }
    return drawn("columns", rows, {**words, **frame})


def rhythm(title: str, description: str, days: Sequence[date], expected: date | None, today: date) -> SafeString:
    """Days on a line up to today, or to the expected day if that is later; the time up to it is a band."""
    first, last = days[0], max(today, expected or today)

    def x(day: date) -> str:
        return f"{percent((day - first).days, (last - first).days):.2f}%"

    band = (
        {"x": x(days[-1]), "width": f"{percent((expected - days[-1]).days, (last - first).days):.2f}%"}
        if expected
        else None
    )
    context = {
        "title": title,
        "description": description,
        "id": f"chart-{slugify(title)}",
        "band": band,
        "today": x(today),
    }
    marks = [{"x": x(day), "text": date_format(day, _("j F Y"))} for day in days]
    ends = {"first": date_format(first, _("j M Y")), "last": date_format(last, _("j M Y"))}
    return render_to_string("backoffice/rhythm.html", {**context, **ends, "days": marks})


def drawn(kind: str, rows: list[dict[str, Any]], context: dict[str, Any]) -> SafeString:
    # The parts of a picture (`img`) are hidden from screen readers: with links among them it is a group.
    role = "group" if any(row["bar"].href for row in rows) else "img"
    return render_to_string(
        f"backoffice/{kind}.html", {**context, "rows": rows, "role": role, "id": f"chart-{slugify(context['title'])}"}
    )


def percent(value: Figure, whole: Figure) -> float:
    """What `value` is of `whole`, between 0 and 100."""
    return min(100.0, max(0.0, 100 * float(value) / float(whole))) if whole > 0 else 0.0
