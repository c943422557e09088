"""The rule of `track.health`, without a database."""

from datetime import date, timedelta

import pytest

from track.health import health

ON = date(2026, 3, 31)


def days(*gaps: int, since: int) -> list[date]:
    """Order days with these gaps between them, the last one `since` days before ON."""
    found = [ON - timedelta(days=since)]
    for gap in reversed(gaps):
        found.append(found[-1] - timedelta(days=gap))
    return found[::-1]


@pytest.mark.parametrize(
    ("gaps", "since", "verdict"),
    [
        ((10, 10, 10), 10, "ON_RHYTHM"),
        ((10, 10, 10), 11, "DUE"),
        ((10, 10, 10), 20, "DUE"),
        ((10, 10, 10), 21, "SILENT"),
        ((10, 10, 40), 21, "LATE"),
        ((10, 10, 40), 40, "LATE"),
        ((10, 10, 40), 41, "SILENT"),
        ((10, 10), 400, "INSUFFICIENT_DATA"),
        ((), 0, "INSUFFICIENT_DATA"),
    ],
)
def test_the_verdict_follows_from_usual_and_longest_gap(gaps, since, verdict):
    assert health(days(*gaps, since=since), ON).verdict == verdict


def test_no_order_day_is_never_ordered_and_has_no_numbers():
    found = health([], ON)
    assert (found.verdict, found.order_days, found.days_since, found.usual_gap) == ("NEVER_ORDERED", 0, None, None)
    assert (found.longest_gap, found.last_order_day, found.expected_on) == (None, None, None)


def test_the_last_twelve_gaps_count():
    found = health(days(99, *[7] * 12, since=1), ON)
    assert (found.order_days, found.gaps, found.longest_gap) == (14, [7] * 12, 7)


def test_from_ten_gaps_on_the_largest_one_does_not_count():
    assert health(days(50, 30, *[7] * 7, since=1), ON).longest_gap == 50
    assert health(days(50, 30, *[7] * 8, since=1), ON).longest_gap == 30


def test_the_usual_gap_is_the_median_and_the_expected_day_rounds_it_up():
    found = health(days(7, 8, since=0), ON)
    assert (found.usual_gap, found.expected_on) == (7.5, ON + timedelta(days=8))
    whole = health(days(6, 8, since=0), ON)
    assert (whole.usual_gap, type(whole.usual_gap)) == (7, int)


def test_an_agreed_silence_comes_before_every_verdict():
    until = ON + timedelta(days=5)
    assert health([], ON, until).verdict == "QUIET"
    assert health(days(10, 10, 10, since=90), ON, until).sentence.endswith("quiet until 2026-04-05 as agreed.")


@pytest.mark.parametrize(
    ("gaps", "since", "sentence"),
    [
        ((24, 54, 24), 63, "Orders about every 24 days, at longest 54; last order 63 days ago."),
        ((1, 1, 1), 0, "Orders about every 1 day, at longest 1; last order today."),
        ((5, 6, 7, 8), 1, "Orders about every 6.5 days, at longest 8; last order 1 day ago."),
        ((5,), 3, "Only 2 order days so far; last order 3 days ago."),
    ],
)
def test_the_sentence_says_it_as_a_person_would(gaps, since, sentence):
    assert health(days(*gaps, since=since), ON).sentence == sentence


def test_worst_is_first_and_then_who_is_longest_over():
    silent, silent_longer = (health(days(10, 10, 10, since=since), ON) for since in (30, 60))
    late = health(days(10, 10, 90, since=80), ON)
    assert sorted([late, silent, silent_longer], key=lambda each: each.order) == [silent_longer, silent, late]
