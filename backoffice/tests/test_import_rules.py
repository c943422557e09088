"""What the cells of an import may hold: what the API takes, with the API's words for what it does not take."""

import pytest
from django.contrib.auth import get_user_model

from backoffice.tests.support import CONTACTS, csv_file, import_file, outcomes, totals, upload, xlsx_file
from backoffice.tests.test_import_api import send
from crm.tests.support import signed_in
from lead.models import Restaurant

BAD = {
    "name": ["", " ", "x" * 255, "a\0b"],
    "city": ["x" * 255],
    "pincode": ["1" * 51],
    "phone": ["1" * 51],
    "email": ["asha", "asha@", "x" * 250 + "@example.com"],
    "lead_status": ["WON", "new"],
    "potential_revenue": ["-1", "1.234,50", "1.234", "1e20", "NaN", "many"],
    "notes": ["x" * 20_001],
}


@pytest.mark.parametrize(("column", "text"), [(column, text) for column, texts in BAD.items() for text in texts])
def test_a_cell_is_refused_with_the_message_of_the_api(column, text, admin_client, api, lead):
    body = {"name": "Bistro Ben", "cuisine_type": "Indian", column: text}
    answer = api.post("/lead/restaurants/", body)
    assert answer.status_code == 400
    expected = [(column, text, message) for message in answer.json()[column]]
    new = outcomes(upload(admin_client, csv_file(list(body), list(body.values()))))[0]
    changed = outcomes(upload(admin_client, csv_file(["id", column], [lead.pk, text])))[0]
    assert new.problems == changed.problems == expected


def test_all_problems_of_a_row_are_named(admin_client):
    preview = upload(admin_client, csv_file(["name", "email", "assigned_to"], ["", "asha", "nobody"]))
    assert [problem.column for problem in outcomes(preview)[0].problems] == ["name", "email", "assigned_to"]


def test_a_missing_column_that_new_rows_require_is_named(admin_client, lead):
    page = upload(admin_client, csv_file(["city"], ["Goa"]))
    assert page.context["problem"] == "The column “name” is missing."
    page = upload(admin_client, csv_file(["role"], ["Chef"]), CONTACTS)
    assert page.context["problem"] == "The columns “restaurant”, “name” are missing."


def test_a_new_lead_needs_a_name(admin_client, lead):
    preview = upload(admin_client, csv_file(["id", "city"], ["", "Goa"]))
    assert outcomes(preview)[0].problems == [("name", "", "This field is required.")]


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "9" * 19, "9" * 40, "１"])
def test_an_unknown_id_is_in_error(text, admin_client, lead):
    preview = upload(admin_client, csv_file(["id", "name"], [text, "Bistro Ben"]))
    assert outcomes(preview)[0].problems == [("id", text, "There is no lead with this id.")]


def test_a_repeated_id_is_in_error(admin_client, lead):
    preview = upload(admin_client, csv_file(["id", "name"], [lead.pk, "Bistro Ben"], [lead.pk, "Bistro Cem"]))
    assert [outcome.problems for outcome in outcomes(preview)] == [
        [("id", str(lead.pk), "Row 3 has this id too.")],
        [("id", str(lead.pk), "Row 2 has this id too.")],
    ]


@pytest.mark.parametrize(
    ("one", "other"), [(("{pk}", ""), ("0{pk}", "")), (("{pk}", ""), ("", "A1")), (("", "A1"), ("", "A9"))]
)
def test_two_rows_that_name_one_lead_in_two_ways_are_both_in_error(one, other, admin_user, lead):
    for value in ("A1", "A9"):  # as after a merge
        lead.add_external_id("import", value)
    rows = [[pk.format(pk=lead.pk), value, "Goa"] for pk, value in (one, other)]
    imported = send(signed_in(admin_user), csv_file(["id", "external_id", "city"], *rows), partial=True).json()
    said = [(problem["row"], problem["message"]) for problem in imported["problems"]]
    assert said == [(2, "Row 3 is the same lead."), (3, "Row 2 is the same lead.")]
    lead.refresh_from_db()
    assert lead.city == "Pune"


def test_two_rows_that_name_one_hidden_lead_are_not_called_one(admin_user, lead, monkeypatch):
    lead.add_external_id("import", "A1")
    monkeypatch.setattr(type(Restaurant.objects.all()), "visible_to", lambda rows, user: rows.none())
    content = csv_file(["id", "external_id", "name"], [lead.pk, "", "Anna"], ["", "A1", "Anna"])
    said = send(signed_in(admin_user), content).json()["file"]
    assert [text.partition(": ")[2] for text in said[1:]] == ["There is no lead with this id."] * 2


def test_columns_left_out_stay_unchanged(admin_client, lead):
    before = Restaurant.objects.values().get()
    import_file(admin_client, csv_file(["id", "phone"], [lead.pk, "123-456-7890"]))
    after = Restaurant.objects.values().get()
    assert {name for name in before if before[name] != after[name]} == {"phone", "phone_tail", "search", "updated_at"}


def test_an_empty_cell_empties_its_field_except_status_and_owner(admin_client, user, lead):
    lead.edit(lead_status="LOST", potential_revenue=500)
    header = ["id", "city", "potential_revenue", "lead_status", "assigned_to"]
    import_file(admin_client, csv_file(header, [lead.pk, "", "", "", ""]))
    lead.refresh_from_db()
    assert (lead.city, lead.potential_revenue, lead.lead_status, lead.assigned_to) == ("", None, "LOST", user)


def test_a_new_lead_may_name_its_owner(admin_client, user):
    import_file(admin_client, csv_file(["name", "assigned_to"], ["Bistro Anna", "kam"]))
    assert Restaurant.objects.get().assigned_to == user


def test_an_owner_is_a_username_and_never_an_id(admin_client, user):
    preview = upload(admin_client, csv_file(["name", "assigned_to"], ["Bistro Anna", user.pk]))
    assert outcomes(preview)[0].problems == [("assigned_to", str(user.pk), "There is no user with this name.")]


def test_a_username_of_digits_is_a_name(admin_client, user):
    numbered = get_user_model().objects.create_user(str(user.pk))
    import_file(admin_client, csv_file(["name", "assigned_to"], ["Bistro Anna", user.pk]))
    assert Restaurant.objects.get().assigned_to == numbered


def test_stamps_are_read_only(admin_client, lead):
    preview = upload(admin_client, csv_file(["id", "created_at"], [lead.pk, "yesterday"]))
    assert totals(preview) == {"skip": 1}


def test_a_text_that_no_database_stores_is_in_error_and_no_500(admin_client):
    preview = upload(admin_client, xlsx_file(["name", "city"], ["a_x0000_b", "Pune"]))
    assert outcomes(preview)[0].problems == [("name", "a\0b", "Null characters are not allowed.")]


def test_an_escaped_surrogate_stays_escaped(admin_client):
    import_file(admin_client, xlsx_file(["name"], ["a_xD800_b"]))
    assert Restaurant.objects.get().name == "a_xD800_b"
