"""What charts say to those who see them, and to those who do not."""

import re
from decimal import Decimal

import pytest

from backoffice.charts import Bar, bars, columns

STAGES = [Bar("New", 30, "30 leads", "/new/"), Bar("Lost & found", Decimal("7.5"), "7.5 leads", "/lost/?a=1&b=2")]


def lengths(chart: str, attribute: str) -> list[str]:
    return re.findall(f'<rect class="bar"[^>]* {attribute}="([^"]*)"', chart)


def test_the_longest_bar_fills_the_width_and_others_are_in_proportion():
    assert lengths(bars("Pipeline", "", STAGES), "width") == ["100.00%", "25.00%"]


def test_a_bar_is_in_proportion_to_a_given_whole():
    assert lengths(bars("Kept", "", [Bar("Asha Rao", 40, "40 %")], whole=100), "width") == ["40.00%"]


def test_the_highest_column_is_full_and_others_are_in_proportion():
    chart = columns("Orders", "", [Bar("January", 2, "2"), Bar("February", 8, "8"), Bar("March", 0, "0")])
    assert lengths(chart, "height") == ["35.0", "140.0", "0.0"]
    assert "Highest: 8 (February)" in chart


@pytest.mark.parametrize("draw", [bars, columns])
@pytest.mark.parametrize("values", [[], [0, 0], [-5, 0]])
def test_a_chart_without_values_has_no_lengths(draw, values):
    chart = draw("Orders", "None yet.", [Bar(str(value), value, str(value)) for value in values])
    assert set(lengths(chart, "width" if draw is bars else "height")) <= {"0.00%", "0.0"}
    assert "Highest" not in chart


@pytest.mark.parametrize("draw", [bars, columns])
def test_a_chart_has_a_name_and_a_description(draw):
    chart = draw("Orders by week", "How many there were.", STAGES)
    assert 'aria-labelledby="chart-orders-by-week-title" aria-describedby="chart-orders-by-week-desc"' in chart
    assert '<title id="chart-orders-by-week-title">Orders by week</title>' in chart
    assert '<desc id="chart-orders-by-week-desc">How many there were.</desc>' in chart


def test_a_bar_is_a_link_with_a_name():
    chart = bars("Pipeline", "", STAGES)
    assert 'role="group"' in chart
    links = re.findall('<a href="([^"]*)">(.*?)</a>', chart)
    assert [(href, re.sub("<.*?>", "", words)) for href, words in links] == [
        ("/new/", "New 30 leads"),
        ("/lost/?a=1&amp;b=2", "Lost &amp; found 7.5 leads"),
    ]


def test_a_column_is_a_link_with_a_name():
    chart = columns("Pipeline", "", STAGES)
    assert 'role="group"' in chart
    assert '<a href="/new/" aria-label="New: 30 leads">' in chart
    assert '<a href="/lost/?a=1&amp;b=2" aria-label="Lost &amp; found: 7.5 leads">' in chart


@pytest.mark.parametrize("draw", [bars, columns])
def test_a_chart_without_links_is_a_picture(draw):
    assert 'role="img"' in draw("Pipeline", "", [Bar("New", 1, "1 lead")])


def test_the_table_has_every_label_and_text():
    chart = columns("Orders", "", STAGES, heading="Month", unit="Orders placed")
    assert re.findall("<th[^>]*>([^<]+)</th>", chart) == ["Month", "Orders placed"]
    assert '<th scope="row"><a href="/new/">New</a></th><td class="figure">30 leads</td>' in chart


@pytest.mark.parametrize(("count", "shown"), [(1, 1), (12, 12), (13, 6), (24, 8), (52, 7), (53, 7), (120, 8)])
def test_many_columns_have_few_labels_and_half_of_them_on_a_phone(count, shown):
    chart = columns("Orders", "", [Bar(f"Week {number}", 1, "1") for number in range(count)])
    labels = re.findall('<text class="(tick[^"]*)"', chart)
    assert len(labels) == shown
    assert labels.count("tick") == (len(labels) + 1) // 2


def test_a_tick_replaces_the_label_below_a_column():
    chart = columns("Orders", "", [Bar("Week 2, from 5 January 2026", 1, "1", tick="5 Jan")])
    assert ">5 Jan</text>" in chart
    assert "Highest: 1 (5 Jan)" in chart


def test_a_long_label_is_shortened_beside_its_text():
    chart = bars("Accounts", "", [Bar("The Old Harbour Kitchen and Garden Table", 1, "1", "/")])
    assert ">The Old Harbour Kitchen and Garde…</text>" in chart


@pytest.mark.parametrize("draw", [bars, columns])
def test_what_users_typed_is_escaped(draw):
    chart = draw("<i>", "<b>", [Bar('"><script>', 1, "<u>", 'x"y')], table=True)
    assert not re.search("<script|<i>|<b>|<u>", chart)
    assert 'href="x&quot;y"' in chart


@pytest.mark.parametrize("draw", [bars, columns])
def test_a_chart_needs_neither_inline_styles_nor_scripts(draw):
    assert not re.search(r"style=|<style|<script|\son\w+=", draw("Pipeline", "", STAGES, table=True))
