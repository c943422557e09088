"""Agreed silences: PATCH of an account."""

from datetime import UTC, date, datetime, timedelta

import pytest

from crm.tests.support import signed_in
from lead.models import Restaurant
from track.models import Interaction, QuietMark

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def today(time_machine):
    time_machine.move_to(NOON, tick=False)
    return time_machine


@pytest.fixture
def path(lead):
    for days in (50, 60, 70, 80):
        Interaction.log(lead=lead, interaction_type="ORDER", date=NOON - timedelta(days=days))
    return f"/track/accounts/{lead.pk}/"


def state(api, path, **query) -> tuple:
    body = api.get(path, query).json()
    return body["verdict"], body["quiet_until"]


def test_an_account_is_quiet_until_the_agreed_day(api, path, user, today):
    answer = api.patch(path, {"quiet_until": "2026-05-01", "quiet_reason": "Renovation."})
    assert (answer.status_code, answer.json()["verdict"]) == (200, "QUIET")
    assert answer.json()["sentence"].endswith("; quiet until 2026-05-01 as agreed.")
    today.move_to(datetime(2026, 5, 1, 23, tzinfo=UTC))
    api = signed_in(user)  # the token has expired
    assert state(api, path) == ("QUIET", "2026-05-01")
    today.move_to(datetime(2026, 5, 2, tzinfo=UTC))
    assert state(signed_in(user), path) == ("SILENT", None)


def test_an_order_ends_the_silence(api, path, lead):
    api.patch(path, {"quiet_until": "2026-05-01"})
    Interaction.log(lead=lead, interaction_type="ORDER", date=NOON)
    assert state(api, path) == ("QUIET", "2026-05-01")  # dated before it was agreed
    late = Interaction.log(lead=lead, interaction_type="ORDER", date=NOON + timedelta(hours=1))
    assert state(api, path) == ("ON_RHYTHM", None)
    late.delete()
    assert state(api, path) == ("QUIET", "2026-05-01")


def test_null_takes_the_mark_back(api, path):
    api.patch(path, {"quiet_until": "2026-05-01"})
    assert api.patch(path, {"quiet_until": None}).json()["quiet_until"] is None
    assert state(api, path) == ("SILENT", None)


def test_each_mark_is_logged_once_with_who_and_why(api, path, user, lead):
    body = {"quiet_until": "2026-05-01", "quiet_reason": "Renovation."}
    for sent in (body, body, {}, {"quiet_until": None}, {"quiet_until": None}):
        assert api.patch(path, sent).status_code == 200
    marks = lead.quiet_marks.all()
    assert [str(mark) for mark in marks] == ["Quiet until 2026-05-01: Renovation.", "No longer quiet"]
    assert {mark.created_by for mark in marks} == {user} and marks[0].created_at == NOON


def test_a_day_before_the_mark_was_set_is_not_quiet(api, path):
    api.patch(path, {"quiet_until": "2026-05-01"})
    assert state(api, path, on="2026-03-30") == ("SILENT", None)
    assert state(api, path, on="2026-03-31") == ("QUIET", "2026-05-01")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"quiet_until": "2026-03-30"}, "quiet_until"),
        ({"quiet_until": "2101-01-01"}, "quiet_until"),
        ({"quiet_until": "soon"}, "quiet_until"),
        ({"quiet_reason": "Renovation."}, "quiet_reason"),
        ({"quiet_until": None, "quiet_reason": "Renovation."}, "quiet_reason"),
    ],
)
def test_a_bad_body_is_named_and_changes_nothing(api, path, body, field):
    answer = api.patch(path, body)
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert not QuietMark.objects.exists()


def test_an_old_tag_is_refused(api, path):
    seen = api.get(path)
    headers = {"If-Match": seen["ETag"]}
    written = api.patch(path, {"quiet_until": "2026-05-01"}, headers=headers)
    assert written.status_code == 200 and written["ETag"] == api.get(path)["ETag"]
    assert api.patch(path, {"quiet_until": None}, headers=headers).status_code == 412
    assert api.get(path, headers={"If-None-Match": written["ETag"]}).status_code == 304


def test_lists_show_the_quiet_last(api, path, lead):
    api.patch(path, {"quiet_until": "2026-05-01"})
    assert [row["lead"] for row in api.get("/track/accounts/?verdict=QUIET").json()] == [lead.pk]
    assert api.get("/track/accounts/?verdict=SILENT").json() == []


def test_a_lead_that_is_deleted_takes_its_marks_along(api, path, lead):
    api.patch(path, {"quiet_until": "2026-05-01"})
    lead.delete()
    assert not QuietMark.objects.exists()


UNTIL = {"": None, "ours": "2026-05-01", "other": "2026-06-01"}


@pytest.mark.parametrize(
    ("first", "then", "stays"),
    [
        (["ours"], ["other"], "ours"),
        (["other"], ["ours"], "ours"),
        (["other", ""], ["ours"], "ours"),
        (["ours"], ["other", ""], "ours"),
        (["ours", ""], ["other"], "other"),
        (["other"], ["ours", ""], "other"),
        (["other"], [], "other"),
        (["ours", ""], ["other", ""], ""),
    ],
)
def test_a_merge_keeps_the_survivors_silence_or_else_the_others(first, then, stays, api, path, lead, user):
    other = Restaurant.objects.create(name="Bistro Ana", assigned_to=user)
    leads = {"ours": lead, "other": other}
    for said in filter(None, (first, then)):
        for until in said:
            QuietMark.set(leads[said[0]], UNTIL[until] and date.fromisoformat(UNTIL[until]), reason=said[0], by=user)
    before = list(QuietMark.objects.order_by("id").values())
    api.post(f"/lead/restaurants/{lead.pk}/merge/", {"other": other.pk})
    assert state(api, path) == ("QUIET" if stays else "SILENT", UNTIL[stays])
    if stays:
        assert QuietMark.objects.order_by("id").last().reason == stays
    api.post(f"/lead/restaurants/{lead.pk}/unmerge/", {"other": other.pk})
    assert list(QuietMark.objects.order_by("id").values()) == before


def test_a_merge_does_not_bring_a_silence_back_that_an_order_has_ended(api, path, lead, user, today):
    other = Restaurant.objects.create(name="Bistro Ana", assigned_to=user)
    QuietMark.set(lead, date(2026, 5, 1))
    today.shift(60)
    Interaction.log(lead=other, interaction_type="ORDER")
    QuietMark.set(other, date(2026, 6, 1))
    QuietMark.set(other, None)
    api.post(f"/lead/restaurants/{lead.pk}/merge/", {"other": other.pk})
    assert state(api, path) == ("ON_RHYTHM", None)
