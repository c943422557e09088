"""What a German browser reads: dates, codes and problems of rows within sentences. What is stored stays in English."""

from decimal import Decimal

import pytest
import time_machine
from django.utils import translation

from backoffice.models import Import
from backoffice.tests.my_day import tap
from backoffice.tests.support import LEADS, PLANS, confirm, csv_file, outcomes, text_of, upload
from call.models import CallEvent
from lead.models import Restaurant
from track.models import OrderDetails

ROWS = [
    ["name", "email", "assigned_to"],
    ["", "a@example.com", ""],
    ["Bistro Anna", "anna", ""],
    ["Cafe Blau", "", "nobody"],
]
IN_GERMAN = [
    "Dieses Feld darf nicht leer sein.",
    "Gib eine gültige E-Mail Adresse an.",
    "Es gibt keinen Benutzer mit diesem Namen.",
]
IN_ENGLISH = ["This field may not be blank.", "Enter a valid email address.", "There is no user with this name."]


@pytest.fixture(autouse=True)
def january():
    with time_machine.travel("2026-01-19T09:00:00Z", tick=False):
        yield


@pytest.fixture
def german(client, admin_user):
    client.force_login(admin_user)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    with translation.override(translation.get_language()):  # a request leaves its language active
        yield client


def test_the_day_says_why_with_german_dates(german, admin_user, lead, due):
    Restaurant.objects.filter(pk=lead.pk).update(assigned_to=admin_user)
    assert "fällig am 18.01.2026" in text_of(german.get("/admin/my-day/"))


def test_the_api_says_the_same_with_iso_dates(german, api, due):
    german.get("/admin/my-day/")
    entry = api.get("/call/agenda/", headers={"Accept-Language": "de"}).json()["overdue"][0]
    assert entry["why"] == "1 day overdue: due on 2026-01-18, never called."


def test_the_log_of_a_plan_has_neither_codes_nor_iso_dates(german, due):
    due.skip()
    assert str(CallEvent.objects.get()) == "Skipped 2026-01-19"
    page = text_of(german.get(f"{PLANS}{due.pk}/change/"))
    assert "SKIPPED" not in page
    assert "Ausgelassen 19.01.2026" in page


def test_a_change_of_status_is_named_by_its_labels(german, lead):
    lead.change_status("MEETING_SCHEDULED")
    change = lead.status_changes.get()
    assert str(change) == "New → Meeting Scheduled"
    assert "→ MEETING_SCHEDULED" not in text_of(german.get(f"/admin/lead/statuschange/{change.pk}/change/"))


def test_an_amount_is_typed_as_it_is_written(german, lead, due):
    tap(german, "reached", due)
    order = {"product_details": "Reis", "quantity": "5", "total_price": "50,50"}
    assert tap(german, "note", due.events.get(), key="tap-2", **order).status_code == 200
    german.post("/admin/log/", {"lead": lead.pk, "key": "log-1", "interaction_type": "ORDER", **order})
    assert list(OrderDetails.objects.values_list("total_price", flat=True)) == [Decimal("50.50")] * 2


@pytest.mark.parametrize("amount", ["1.234", "1.234,50", "12,345"])
def test_an_amount_that_could_mean_two_things_is_refused(amount, german, due):
    tap(german, "reached", due)
    order = {"product_details": "Reis", "quantity": "5", "total_price": amount}
    assert tap(german, "note", due.events.get(), key="tap-2", **order).status_code == 400
    assert not OrderDetails.objects.exists()


def test_charts_have_german_dates(german):
    page = text_of(german.get("/admin/"))
    assert "19. Jan. 2026" in page
    assert "19 Jan" not in page


def test_a_preview_names_problems_in_german_and_stores_english(german):
    preview = upload(german, csv_file(*ROWS))
    assert [problem.message for row in outcomes(preview) for problem in row.problems] == IN_GERMAN
    imported = Import.objects.get()
    assert [problem["message"] for problem in imported.problems] == IN_ENGLISH
    failed = german.get(f"{LEADS}import/{imported.pk}/failed.csv").content.decode()
    assert IN_ENGLISH[0] in failed


def test_a_german_preview_of_some_rows_is_confirmed(german, lead):
    preview = upload(german, csv_file(["id", "name", "email"], [lead.pk, "Anna", ""], ["999", "Cafe", ""]))
    assert "Lead: Diese ID gibt es nicht." in text_of(preview)
    confirm(german, preview)
    lead.refresh_from_db()
    assert lead.name == "Anna"
