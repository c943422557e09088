"""The page of a call plan: verbs beside the form, and their permissions."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse

from backoffice.tests.support import staff
from call.models import CallPlan
from track.models import Interaction

NOW = datetime(2024, 12, 28, 9, 30, tzinfo=UTC)
MAY = ["call.change_callplan", "track.add_interaction"]


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


def page_of(plan, page: str = "change") -> str:
    return reverse(f"admin:call_callplan_{page}", args=[plan.pk])


def run(client, plan, verb: str, **fields):
    return client.post(page_of(plan, verb), fields, follow=True)


def offered(client, plan) -> list[str]:
    return [verb["form"].name for verb in client.get(page_of(plan)).context["verbs"]]


@pytest.mark.parametrize(
    ("verb", "fields", "message", "due"),
    [
        ("record_call", {}, "Call recorded. Next call: 29 Dec 2024.", NOW + timedelta(days=1)),
        ("record_call", {"outcome": "NO_ANSWER"}, "Noted. Next call: 29 Dec 2024.", datetime(2024, 12, 29, tzinfo=UTC)),
        ("snooze", {"until": "2025-01-02"}, "Put off. Next call: 2 Jan 2025.", datetime(2025, 1, 2, tzinfo=UTC)),
        ("skip", {"reason": "Closed."}, "Skipped. Next call: 30 Dec 2024.", datetime(2024, 12, 30, tzinfo=UTC)),
        ("pause", {}, "Paused.", datetime(2024, 12, 29, tzinfo=UTC)),
        ("resume", {}, "The plan is not paused.", datetime(2024, 12, 29, tzinfo=UTC)),
        (
            "set_frequency",
            {"frequency": "WEEKLY"},
            "Calls are weekly now. Next call: 4 Jan 2025.",
            datetime(2025, 1, 4, tzinfo=UTC),
        ),
    ],
)
def test_a_verb_runs_shows_a_message_and_is_logged(verb, fields, message, due, admin_client, admin_user, plan):
    answer = run(admin_client, plan, verb, **fields)
    assert answer.redirect_chain == [(page_of(plan), 302)]
    assert [str(message) for message in answer.context["messages"]] == [message]
    plan.refresh_from_db()
    assert plan.next_call_date == due
    assert [event.created_by for event in plan.events.all()] == ([] if verb == "resume" else [admin_user])


def test_an_attempt_logs_an_interaction_and_moves_no_date(admin_client, plan):
    run(admin_client, plan, "record_call", outcome="NO_ANSWER", details="Rang twice.")
    assert plan.events.get().kind == "ATTEMPTED"
    assert Interaction.objects.get().details == "Rang twice."


def test_a_paused_plan_offers_resume(admin_client, plan):
    assert offered(admin_client, plan) == ["record_call", "snooze", "skip", "pause", "set_frequency"]
    run(admin_client, plan, "pause", reason="Rebuilding.")
    assert offered(admin_client, plan) == ["record_call", "snooze", "skip", "resume", "set_frequency"]
    run(admin_client, plan, "resume")
    plan.refresh_from_db()
    assert not plan.paused


@pytest.mark.parametrize(
    ("verb", "fields", "field"),
    [
        ("snooze", {}, "until"),
        ("snooze", {"until": "soon"}, "until"),
        ("snooze", {"until": "2024-12-27"}, "until"),
        ("snooze", {"until": "2101-12-27"}, "until"),
        ("skip", {"reason": "x" * 20_001}, "reason"),
        ("set_frequency", {"frequency": "HOURLY"}, "frequency"),
        ("record_call", {"last_called": "2024-12-29T09:31"}, "last_called"),
    ],
)
def test_an_invalid_verb_form_shows_a_field_error_and_changes_nothing(verb, fields, field, admin_client, plan):
    answer = run(admin_client, plan, verb, **fields)
    assert (answer.status_code, list(answer.context["form"].errors)) == (200, [field])
    assert answer.content.decode().count('class="errorlist"') == 1
    assert not plan.events.exists()


@pytest.mark.parametrize("verb", ["record_call", "snooze", "skip", "pause", "resume", "set_frequency"])
def test_a_verb_requires_its_permission(verb, client, plan):
    client.force_login(staff("call.view_callplan"))
    assert client.get(page_of(plan, verb)).status_code == 403
    assert client.post(page_of(plan, verb)).status_code == 403
    assert client.get(page_of(plan)).context["verbs"] == []


def test_record_call_without_contact_permission_has_no_contact_field(client, plan, contact):
    client.force_login(staff(*MAY))
    assert "Asha Rao" not in client.get(page_of(plan, "record_call")).content.decode()
    run(client, plan, "record_call", contact=contact.pk, details="Hello.")
    assert Interaction.objects.get().contact is None


@pytest.mark.parametrize("verb", ["record_call", "snooze", "skip", "pause", "resume", "set_frequency"])
def test_each_verb_has_its_own_page(verb, admin_client, plan):
    answer = admin_client.get(page_of(plan, verb))
    assert answer.status_code == 200
    assert not answer.context["form"].errors


@pytest.mark.parametrize("verb", ["change", "record_call", "skip"])
def test_a_missing_plan_redirects_to_the_list(verb, admin_client, plan):
    path = page_of(plan, verb)
    plan.delete()
    answer = admin_client.post(path, follow=True)
    assert answer.redirect_chain == [(reverse("admin:call_callplan_changelist"), 302)]


def test_a_plan_deleted_during_a_verb_redirects_to_the_list(admin_client, plan, monkeypatch):
    skip = CallPlan.skip

    def skip_what_is_gone(self, **kwargs):
        CallPlan.objects.filter(pk=plan.pk).delete()
        skip(self, **kwargs)

    monkeypatch.setattr(CallPlan, "skip", skip_what_is_gone)
    answer = run(admin_client, plan, "skip")
    assert answer.status_code == 200
    assert "Nothing was changed" in str(list(answer.context["messages"])[0])
