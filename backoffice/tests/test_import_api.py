"""Imports over HTTP: one request, or a dry run and its confirmation; what was left out; what is taken back."""

import csv
import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile

from backoffice.exchange import imports
from backoffice.models import Import, ImportedRow
from backoffice.tests.support import csv_file, staff, xlsx_file
from call.models import CallPlan
from contact.models import Contact
from crm.tests.support import signed_in
from lead.models import ExternalId, Restaurant
from track.models import Interaction, OrderDetails

PATH = "/api/imports/"


@pytest.fixture
def client(importer):
    return signed_in(importer)


def send(client, content: bytes, kind: str = "leads", *, name: str = "file.csv", headers=None, **options):
    body = {"file": SimpleUploadedFile(name, content), "kind": kind, **options}
    return client.post(PATH, body, format="multipart", headers=headers)


def counts(answer) -> tuple[int, ...]:
    body: Any = answer.json()
    assert answer.status_code in (200, 201), body
    return tuple(body[name] for name in ("created", "changed", "unchanged", "errors"))


LEADS = csv_file(["external_id", "name", "city"], ["A1", "Bistro Anna", "Pune"], ["B2", "Bistro Ben", "Goa"])


def test_a_file_is_imported_by_one_request(client, importer):
    answer = send(client, LEADS, source="erp")
    assert counts(answer) == (2, 0, 0, 0)
    assert answer.json()["status"] == "IMPORTED"
    assert {str(each) for each in ExternalId.objects.all()} == {"erp:A1", "erp:B2"}
    assert Restaurant.objects.get(name="Bistro Anna").assigned_to == importer
    assert client.get(f"{PATH}{answer.json()['id']}/").json() == answer.json()


def test_the_same_file_twice_changes_nothing(client):
    assert [counts(send(client, LEADS)) for _ in range(2)] == [(2, 0, 0, 0), (0, 0, 2, 0)]


def test_a_changed_row_is_found_by_its_external_id(client):
    send(client, LEADS)
    assert counts(send(client, LEADS.replace(b"Goa", b"Panaji"))) == (0, 1, 1, 0)
    assert Restaurant.objects.get(name="Bistro Ben").city == "Panaji"


def test_external_ids_of_another_source_are_others(client):
    send(client, LEADS, source="erp")
    assert counts(send(client, LEADS, source="shop")) == (2, 0, 0, 0)


def test_two_rows_with_one_key_are_both_in_error(client):
    answer = send(client, csv_file(["external_id", "name"], ["A1", "Anna"], ["B2", "Ben"], ["A1", "Cem"]))
    assert answer.status_code == 400
    assert answer.json()["file"] == [
        "2 of 3 rows are in error. Nothing was imported.",
        "Row 2, external_id: Row 4 has this external id too.",
        "Row 4, external_id: Row 2 has this external id too.",
    ]
    assert not Restaurant.objects.exists()


def test_a_new_row_and_an_old_one_with_one_external_id_are_both_in_error(client, lead):
    content = csv_file(["id", "external_id", "name"], ["", "B", "Ben"], [lead.pk, "B", "Anna"])
    answer = send(client, content)
    rows = [f"Row {row}, external_id: Row {other} has this external id too." for row, other in ((2, 3), (3, 2))]
    assert (answer.status_code, answer.json()["file"][1:]) == (400, rows)


def test_an_external_id_of_a_hidden_lead_is_answered_like_an_id_of_none(client, lead, monkeypatch):
    lead.add_external_id("import", "A1")
    queryset = type(Restaurant.objects.all())
    monkeypatch.setattr(queryset, "visible_to", lambda rows, user: rows.none())
    answers = [
        send(client, csv_file([column, "name"], [value, "Anna"])).json()["file"][1].partition(": ")[2]
        for column, value in (("external_id", "A1"), ("id", lead.pk), ("id", 999_999))
    ]
    assert answers == ["There is no lead with this id."] * 3


@pytest.mark.parametrize(("kind", "column"), [("leads", "id"), ("contacts", "restaurant"), ("plans", "lead")])
def test_the_id_of_a_merged_lead_is_an_error_that_names_the_survivor(kind, column, client, lead):
    other = Restaurant.objects.create(name="Bistro Ana")
    lead.merge(other.pk)
    content = csv_file([column, "name", "frequency"], [other.pk, "Asha", "DAILY"])
    mapping = json.dumps({"frequency" if kind != "plans" else "name": ""})
    answer = send(client, content, kind, mapping=mapping)
    assert answer.json()["file"][1:] == [
        f"Row 2, {column}: There is no lead with this id: it was merged into {lead.pk}."
    ]


@pytest.mark.parametrize("is_hidden", [False, True])
def test_the_id_of_a_merged_row_is_in_error_and_names_the_survivor(is_hidden, client, lead, contact, monkeypatch):
    dropped = Restaurant.objects.create(name="Bistro Ana")
    person = Contact.objects.create(restaurant=lead, name="A. Rao")
    lead.merge(dropped.pk)
    contact.merge(person.pk)
    for queryset in (Restaurant.objects.all(), Contact.objects.all()) if is_hidden else ():
        monkeypatch.setattr(type(queryset), "visible_to", lambda rows, user: rows.none())
    call = ["2024-12-24", "CALL"]
    answers = [
        send(client, csv_file(list(row), list(row.values())), kind).json()["file"][1].partition(": ")[2]
        for kind, row in (
            ("leads", {"id": dropped.pk, "name": "Anna"}),
            ("contacts", {"restaurant": dropped.pk, "name": "Asha"}),
            ("contacts", {"id": person.pk, "name": "Asha"}),
            ("interactions", {"lead": lead.pk, "contact": person.pk, "date": call[0], "interaction_type": call[1]}),
        )
    ]
    whose = [("lead", lead), ("lead", lead), ("contact", contact), ("contact", contact)]
    if is_hidden:
        assert not any("merged" in answer for answer in answers)
    else:
        assert answers == [f"There is no {name} with this id: it was merged into {row.pk}." for name, row in whose]


@pytest.mark.parametrize(
    ("match", "cells"),
    [
        ("phone", {"phone": "(98765) 432-10"}),
        ("email", {"email": "ANNA@example.com"}),
        ("name_city", {"name": "bistro ÁNNA", "city": "PUNE"}),
    ],
)
def test_a_row_is_found_by_what_the_importer_asks_for(match, cells, client, lead):
    lead.edit(phone="98765 43210", email="anna@example.com")
    row = {"name": "Bistro Anna", "city": "Pune", **cells, "notes": "Found."}
    content = csv_file(list(row), list(row.values()))
    assert counts(send(client, content, dry_run=True)) == (1, 0, 0, 0)
    assert counts(send(client, content, match=match)) == (0, 1, 0, 0)
    lead.refresh_from_db()
    assert lead.notes == "Found."


def test_a_match_with_several_leads_is_in_error(client, lead):
    other = Restaurant.objects.create(name="Bistro Anna", city="Pune")
    answer = send(client, csv_file(["name", "city"], ["Bistro Anna", "Pune"]), match="name_city")
    assert f"2 leads have this: {lead.pk}, {other.pk}. Give the id" in answer.json()["file"][1]


def test_a_row_that_is_matched_gets_its_external_id(client, lead):
    content = csv_file(["external_id", "name", "city"], ["A1", "Bistro Anna", "Pune"])
    assert counts(send(client, content, match="name_city")) == (0, 1, 0, 0)
    assert lead.external_ids.get().value == "A1"
    assert counts(send(client, content)) == (0, 0, 1, 0)


# --- Dry run, confirmation, partial ---------------------------------------------------------------


def test_a_dry_run_writes_nothing_until_it_is_confirmed(client):
    answer = send(client, LEADS, dry_run=True)
    assert (answer.json()["status"], Restaurant.objects.count()) == ("PREVIEWED", 0)
    path = f"{PATH}{answer.json()['id']}/confirm/"
    assert counts(client.post(path)) == (2, 0, 0, 0)
    again = client.post(path)
    assert (again.status_code, again.json()) == (400, {"status": ["This import is IMPORTED already."]})
    assert Restaurant.objects.count() == 2


def test_a_confirmation_is_refused_where_the_data_has_changed(client, lead):
    answer = send(client, csv_file(["id", "city"], [lead.pk, "Goa"]), dry_run=True)
    lead.edit(city="Mumbai")
    refused = client.post(f"{PATH}{answer.json()['id']}/confirm/")
    assert (refused.status_code, Restaurant.objects.get().city) == (409, "Mumbai")


BAD = csv_file(["external_id", "name", "email"], ["A1", "Anna", ""], ["B2", "=Ben", "b@"], ["C3", "", ""])


def test_a_partial_import_gives_the_rows_in_error_back(client):
    answer = send(client, BAD, partial=True)
    assert counts(answer) == (1, 0, 0, 2)
    assert answer.json()["problems"][0] == {
        "row": 3,
        "column": "email",
        "text": "b@",
        "message": "Enter a valid email address.",
    }
    failed = client.get(f"{PATH}{answer.json()['id']}/failed.csv")
    assert failed["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(StringIO(failed.content.decode("utf-8-sig"))))
    assert [row["import_problem"] for row in rows] == [
        "email: Enter a valid email address.",
        "name: This field may not be blank.",
    ]
    mended = failed.content.replace(b"b@", b"b@example.com").replace(b"C3,", b"C3,Cem")
    assert counts(send(client, mended)) == (2, 0, 0, 0)
    assert set(Restaurant.objects.values_list("name", flat=True)) == {"Anna", "=Ben", "Cem"}


def test_the_rows_in_error_of_a_dry_run_are_given_back_too(client):
    answer = send(client, BAD, dry_run=True)
    assert client.get(f"{PATH}{answer.json()['id']}/failed.csv").content.count(b"\r\n") == 3


def test_no_failed_rows_is_a_404(client):
    assert client.get(f"{PATH}{send(client, LEADS).json()['id']}/failed.csv").json() == {
        "detail": "No row is in error."
    }


# --- What is refused ------------------------------------------------------------------------------


def test_an_unknown_encoding_is_a_400_with_candidates_and_samples(client):
    content = csv_file(["name", "city"], ["Łódź", "Kraków"], encoding="cp1250")
    answer = send(client, content)
    text, *candidates = answer.json()["encoding"]
    assert (answer.status_code, text[:25]) == (400, "The file is not UTF-8, an")
    assert {"encoding": "cp1250", "name": "Windows-1250, Central European", "sample": ["Łódź,Kraków"]} in candidates
    assert not Import.objects.exists()
    assert counts(send(client, content, encoding="cp1250")) == (1, 0, 0, 0)
    assert Restaurant.objects.get().name == "Łódź"


def test_unknown_columns_are_a_400_until_a_mapping_says_what_they_are(client):
    content = csv_file(["DBA", "GRADE"], ["Anna", "A"])
    assert "The column “GRADE” is not known." in send(client, content).json()["mapping"][0]
    assert counts(send(client, content, mapping='{"GRADE": "notes"}')) == (1, 0, 0, 0)
    assert Restaurant.objects.get().notes == "A"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"kind": "cats"}, "kind"),
        ({"match": "colour"}, "match"),
        ({"kind": "orders", "match": "phone"}, "match"),
        ({"mapping": "[1]"}, "mapping"),
        ({"mapping": '{"name": 1}'}, "mapping"),
        ({"mapping": '{"name": "colour"}'}, "mapping"),
        ({"source": "a:b"}, "source"),
        ({"encoding": "latin9"}, "file"),
    ],
)
def test_an_invalid_option_is_a_400_that_names_it(options, field, client):
    answer = send(client, LEADS, **{"kind": "leads", **options})
    assert (answer.status_code, list(answer.json())) == (400, [field])


def test_a_file_that_is_too_long_is_a_400(client, monkeypatch):
    monkeypatch.setattr(imports, "MAX_ROWS", 1)
    assert send(client, LEADS).json() == {"file": ["The file has more than 1 rows. Split it into several files."]}


def test_a_shortened_number_is_in_error(client):
    answer = send(client, csv_file(["name", "phone"], ["Anna", "9.19877E+11"]))
    assert "Row 2, phone: Excel has shortened this number." in answer.json()["file"][1]


def test_who_may_edit_through_the_api_may_import_through_it(user, reader):
    assert counts(send(signed_in(user), LEADS)) == (2, 0, 0, 0)
    assert send(signed_in(reader), LEADS).status_code == 403
    assert signed_in(reader).get(PATH).json() == []


def test_the_import_of_another_user_does_not_exist(client, lead):
    pk = send(client, LEADS, dry_run=True).json()["id"]
    other = signed_in(staff("lead.import_restaurant", "lead.add_restaurant"))
    assert other.get(PATH).json() == []
    assert other.get(f"{PATH}{pk}/").status_code == other.post(f"{PATH}{pk}/confirm/").status_code == 404


def test_a_retry_with_its_key_imports_once_and_another_file_is_refused(client):
    first, again = (send(client, LEADS, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert again["Idempotency-Replayed"] == "true"
    assert (again.json(), Import.objects.count()) == (first.json(), 1)
    assert send(client, LEADS + b"C3,Cem,\r\n", headers={"Idempotency-Key": "k"}).status_code == 422


# --- Contacts, interactions, orders, plans --------------------------------------------------------


@pytest.fixture
def known(lead):
    """A lead with an external id."""
    lead.add_external_id("import", "ALFKI")
    return lead


def twice(client, content: bytes, kind: str) -> list:
    return [counts(send(client, content, kind)) for _ in range(2)]


def test_contacts_are_imported_by_the_external_id_of_their_lead(client, known):
    content = csv_file(["contact_id", "CustomerID", "name", "Title"], ["7", "ALFKI", "Maria Anders", "Owner"])
    assert twice(client, content, "contacts") == [(1, 0, 0, 0), (0, 0, 1, 0)]
    assert Contact.objects.values_list("restaurant", "name", "role").get() == (known.pk, "Maria Anders", "Owner")


def test_interactions_are_known_by_lead_date_type_and_details(client, known, plan):
    header = ["lead_external_id", "type", "date", "details"]
    rows = [["ALFKI", "CALL", "2024-12-24T10:00:00Z", text] for text in ("Asked.", "Called back.")]
    content = csv_file(header, *rows)
    assert twice(client, content, "interactions") == [(2, 0, 0, 0), (0, 0, 2, 0)]


def test_orders_are_known_by_their_own_number(client, known):
    header = ["OrderID", "CustomerID", "OrderDate", "Products", "Qty", "Total"]
    content = csv_file(header, ["10248", "ALFKI", "1996-07-04", "12 cheeses", "12", "440.00"])
    assert twice(client, content, "orders") == [(1, 0, 0, 0), (0, 0, 1, 0)]
    order = OrderDetails.objects.get()
    assert (order.interaction.lead, order.interaction.order_placed, order.quantity) == (known, True, 12)
    assert order.order_date.isoformat() == order.interaction.date.isoformat() == "1996-07-04T00:00:00+00:00"
    content = content.replace(b"440.00", b"500.00").replace(b"07-04", b"07-05")
    assert twice(client, content, "orders") == [(0, 1, 0, 0), (0, 0, 1, 0)]
    order = OrderDetails.objects.get()
    assert (str(order.total_price), order.order_date.day, order.interaction.date.day) == ("500.00", 5, 5)


def test_an_order_without_its_own_number_is_in_error(client, known):
    header = ["id", "lead", "order_date", "product_details", "quantity", "total_price"]
    answer = send(client, csv_file(header, ["", known.pk, "2024-12-24", "Oil", "1", "5"]), "orders")
    assert "Row 2, external_id: A new order needs its own number here." in answer.json()["file"][1]


def test_plans_are_known_by_lead_and_frequency(client, known):
    content = csv_file(["lead_external_id", "frequency", "notes"], ["ALFKI", "WEEKLY", "Mornings."])
    assert twice(client, content, "plans") == [(1, 0, 0, 0), (0, 0, 1, 0)]
    assert CallPlan.objects.get().notes == "Mornings."


@pytest.mark.parametrize("kind", ["contacts", "interactions", "orders", "plans"])
def test_an_unknown_external_id_of_a_lead_is_in_error(kind, client, known):
    row = {
        "lead_external_id": "NONE",
        "external_id": "1",
        "name": "A",
        "interaction_type": "CALL",
        "date": "2024-12-24",
    }
    row |= {
        "frequency": "DAILY",
        "order_date": "2024-12-24",
        "product_details": "O",
        "quantity": "1",
        "total_price": "1",
    }
    mapping = '{"lead_external_id": "lead_external_id"}'
    answer = send(client, csv_file(list(row), list(row.values())), kind, mapping=mapping)
    assert "Row 2, lead_external_id: There is no lead with this external id." in answer.json()["file"]


def test_dates_of_a_workbook_may_be_numbers_and_phones_too(client, known):
    content = xlsx_file(["lead_external_id", "type", "date"], ["ALFKI", "CALL", 45650.5])
    assert counts(send(client, content, "interactions")) == (1, 0, 0, 0)
    assert Interaction.objects.get().date.isoformat() == "2024-12-24T12:00:00+00:00"


# --- Taking back ----------------------------------------------------------------------------------


def revert(client, answer) -> dict:
    taken = client.post(f"{PATH}{answer.json()['id']}/revert/")
    assert taken.status_code == 200, taken.json()
    return taken.json()


def test_a_revert_deletes_new_rows_and_restores_changed_ones(client, lead):
    content = csv_file(
        ["id", "name", "lead_status", "external_id"], ["", "Ben", "", "B2"], [lead.pk, "Anna", "LOST", "A1"]
    )
    answer = send(client, content)
    assert counts(answer) == (1, 1, 0, 0)
    taken = revert(client, answer)
    assert (taken["status"], taken["remaining"]) == ("REVERTED", [])
    lead.refresh_from_db()
    assert (Restaurant.objects.get(), lead.name, lead.lead_status) == (lead, "Bistro Anna", "NEW")
    assert not ExternalId.objects.exists()
    assert [change.new_status for change in lead.status_changes.all()] == ["LOST", "NEW"]


def test_rows_that_have_changed_since_stay_and_are_listed(client):
    answer = send(client, LEADS)
    anna, ben = Restaurant.objects.order_by("id")
    anna.edit(phone="1234567")
    Contact.objects.create(restaurant=ben, name="Asha Rao")
    remaining = [
        {"row": 3, "id": ben.pk, "reason": "It is used by contacts."},
        {"row": 2, "id": anna.pk, "reason": "It has been changed since."},
    ]
    assert sorted(revert(client, answer)["remaining"], key=lambda each: -each["row"]) == remaining
    ben.contacts.all().delete()
    assert [each["id"] for each in revert(client, answer)["remaining"]] == [anna.pk]
    assert Restaurant.objects.get() == anna


def test_a_changed_row_that_is_gone_is_listed(client, lead):
    answer = send(client, csv_file(["id", "city"], [lead.pk, "Goa"]))
    lead.delete()
    assert revert(client, answer)["remaining"][0]["reason"] == "It has been deleted since."


def test_a_new_row_that_is_hidden_by_now_stays_and_is_listed(db, settings):
    """Silently left, it would look taken back; later, who sees it again can take it back still."""
    settings.ACCESS = "own"
    importer = get_user_model().objects.create_user("importer")
    client = signed_in(importer)
    answer = send(client, LEADS)
    anna, ben = Restaurant.objects.order_by("id")
    anna.edit(assigned_to=None)
    ben.delete()
    reason = "It has been deleted since."
    taken = revert(client, answer)["remaining"]
    assert sorted((each["row"], each["reason"]) for each in taken) == [(2, reason), (3, reason)]
    anna.edit(assigned_to=importer)
    assert [each["row"] for each in revert(client, answer)["remaining"]] == [3]
    assert not Restaurant.objects.exists()


def test_a_reverted_order_takes_its_touch_off_the_plans(client, known):
    plan = CallPlan.objects.create(lead=known, frequency="WEEKLY")
    before = CallPlan.objects.values("next_call_date", "last_called").get()
    header = ["external_id", "lead", "type", "date"]
    answer = send(client, csv_file(header, ["1", known.pk, "CALL", plan.created_at.isoformat()]), "interactions")
    assert CallPlan.objects.values("next_call_date", "last_called").get() != before
    assert revert(client, answer)["remaining"] == []
    assert CallPlan.objects.values("next_call_date", "last_called").get() == before
    assert not Interaction.objects.exists()


def test_a_reverted_plan_has_the_dates_that_it_had(client, plan):
    before = CallPlan.objects.values("next_call_date", "overridden_at", "anchor", "notes", "frequency").get()
    content = csv_file(["id", "next_call_date", "frequency", "notes"], [plan.pk, "2030-01-01", "MONTHLY", "Later."])
    answer = send(client, content, "plans")
    assert counts(answer) == (0, 1, 0, 0)
    assert revert(client, answer)["remaining"] == []
    assert CallPlan.objects.values("next_call_date", "overridden_at", "anchor", "notes", "frequency").get() == before


def test_what_is_not_imported_cannot_be_taken_back(client):
    answer = send(client, LEADS, dry_run=True)
    refused = client.post(f"{PATH}{answer.json()['id']}/revert/")
    assert (refused.status_code, refused.json()) == (400, {"status": ["Nothing of this file is imported yet."]})


def test_the_journal_is_deleted_with_what_was_taken_back(client):
    answer = send(client, LEADS)
    assert ImportedRow.objects.count() == 2
    revert(client, answer)
    assert not ImportedRow.objects.exists()
