"""Why a lead was lost: the reason goes with the status LOST, and the documented bodies do not show it."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from backoffice.tests.support import staff
from lead.models import LostReason, StatusChange


@pytest.fixture
def path(lead):
    return f"/lead/restaurants/{lead.pk}/change_status/"


@pytest.mark.parametrize("name", ["status", "lead_status"])
@pytest.mark.parametrize("reason", ["", *LostReason.values])
def test_a_lost_lead_has_the_reason_in_its_history(api, path, name, reason):
    assert api.post(path, {name: "LOST", "reason": reason}).status_code == 200
    assert StatusChange.objects.get().reason == reason


@pytest.mark.parametrize("format", ["json", "multipart"])
def test_a_reason_with_another_status_is_refused_by_its_name(api, path, format):
    answer = api.post(path, {"status": "CONTACTED", "reason": "PRICE"}, format=format)
    assert (answer.status_code, answer.json()) == (400, {"reason": ["Only a lead that is LOST has a reason."]})
    assert not StatusChange.objects.exists()


@pytest.mark.parametrize("reason", ["price", "NOPE", None, [], 5])
def test_an_unknown_reason_is_refused_by_its_name(api, path, reason):
    answer = api.post(path, {"status": "LOST", "reason": reason}, format="json")
    assert answer.status_code == 400
    assert list(answer.json()) == ["reason"]


def test_the_verb_refuses_a_reason_with_another_status(lead):
    with pytest.raises(ValidationError) as refused:
        lead.change_status("CONVERTED", reason="PRICE")
    assert list(refused.value.message_dict) == ["reason"]


def test_documented_bodies_do_not_show_the_reason(api, path):
    assert "reason" not in api.post(path, {"status": "LOST", "reason": "PRICE"}).json()
    [change] = api.get(path.replace("change_status", "status_history")).json()
    assert list(change) == ["id", "lead", "old_status", "new_status", "changed_by", "changed_at", "note"]


@pytest.mark.parametrize("row", [("NEW", "LOST", "NOPE"), ("LOST", "NEW", "PRICE")])
def test_the_database_refuses_a_reason_that_is_none_of_lost(lead, row):
    old, new, reason = row
    with pytest.raises(IntegrityError), transaction.atomic():
        StatusChange.objects.create(lead=lead, old_status=old, new_status=new, reason=reason)


def test_the_admin_takes_the_reason_with_the_status(client, lead):
    client.force_login(staff("lead.change_restaurant", "lead.view_statuschange"))
    path = f"/admin/lead/restaurant/{lead.pk}/change_status/"
    refused = client.post(path, {"status": "NEGOTIATING", "reason": "PRICE"})
    assert "Only a lead that is LOST has a reason." in refused.text
    client.post(path, {"status": "LOST", "reason": "CLOSED_DOWN"})
    assert StatusChange.objects.get().reason == "CLOSED_DOWN"
    assert "(closed down)" in client.get(f"/admin/lead/restaurant/{lead.pk}/change/").text


def test_the_bulk_action_takes_the_reason_with_the_status(client, lead):
    client.force_login(staff("lead.change_restaurant"))
    body = {"action": "change_status", "_selected_action": [lead.pk], "post": "yes", "reason": "NO_NEED"}
    refused = client.post("/admin/lead/restaurant/", {**body, "status": "NEW"})
    assert "Only a lead that is LOST has a reason." in refused.text
    client.post("/admin/lead/restaurant/", {**body, "status": "LOST"})
    assert StatusChange.objects.get().reason == "NO_NEED"
