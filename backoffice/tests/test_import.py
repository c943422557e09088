"""The import of leads and contacts in the browser: what a file would do is shown first, then done, all or nothing."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, OperationalError

from backoffice.exchange import imports as exchange
from backoffice.models import Import
from backoffice.tests.support import (
    CONTACTS,
    LEADS,
    address_of,
    confirm,
    csv_file,
    import_file,
    messages_of,
    outcomes,
    staff,
    totals,
    upload,
    upload_error,
    xlsx_file,
)
from contact.models import Contact
from crm.tests.support import form_of
from lead.models import Restaurant

# --- The preview ----------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_in_any_encoding_is_previewed(encoding, admin_client):
    preview = upload(admin_client, csv_file(["name", "city"], ["Café Ñandú", "Pune"], encoding=encoding))
    [outcome] = outcomes(preview)
    assert (outcome.number, outcome.kind, outcome.name) == (2, "create", "Café Ñandú")
    assert "Café Ñandú" in preview.content.decode()


def test_a_preview_shows_the_outcome_of_each_row_and_writes_nothing(admin_client, lead):
    rows = [["", "Bistro Ben", "Goa"], [lead.pk, "Bistro Anna", "Goa"], [lead.pk + 1, "Bistro Cem", "Goa"]]
    before = Restaurant.objects.values().get()
    preview = upload(admin_client, csv_file(["id", "name", "city"], *rows))
    assert totals(preview) == {"create": 1, "update": 1, "error": 1}
    [wrong] = outcomes(preview)
    [changed] = outcomes(admin_client.get(f"{address_of(preview)}?show=update"))
    [new] = outcomes(admin_client.get(f"{address_of(preview)}?show=create"))
    assert wrong.problems == [("id", str(lead.pk + 1), "There is no lead with this id.")]
    assert (changed.number, changed.changes) == (3, [("city", "Pune", "Goa")])
    assert (new.number, new.changes) == (2, [("name", "", "Bistro Ben"), ("city", "", "Goa")])
    assert Restaurant.objects.values().get() == before


def test_a_row_without_changes_is_skipped(admin_client, lead):
    preview = upload(admin_client, csv_file(["id", "name", "city"], [lead.pk, " Bistro Anna ", "Pune"]))
    assert totals(preview) == {"skip": 1}
    assert not form_of(preview, "confirm_form")


def test_the_rows_of_a_preview_are_paged(admin_client):
    preview = upload(admin_client, csv_file(["name"], *[[f"Bistro {number}"] for number in range(150)]))
    assert len(outcomes(preview)) == 100
    assert len(outcomes(admin_client.get(f"{address_of(preview)}?show=create&page=2"))) == 50


@pytest.mark.parametrize("query", ["show=nothing", "page=x", "page=99", "show=skip&page=0"])
def test_an_invalid_query_string_breaks_no_preview(query, admin_client):
    preview = upload(admin_client, csv_file(["name"], ["Bistro Anna"]))
    assert admin_client.get(f"{address_of(preview)}?{query}").status_code == 200


@pytest.mark.parametrize("count", [3, 30])
def test_a_preview_takes_one_query_per_table(count, admin_client, user, django_assert_num_queries):
    rows = Restaurant.objects.bulk_create(Restaurant(name="Bistro", assigned_to=user) for _ in range(count))
    table = csv_file(["id", "name", "assigned_to"], *[[row.pk, "Anna", "admin"] for row in rows])
    preview = upload(admin_client, table)
    with django_assert_num_queries(8):  # session, user, saved lists, import and its user, users, leads, the totals
        admin_client.get(address_of(preview))


def test_markup_in_a_file_is_escaped_in_the_preview(admin_client):
    page = upload(admin_client, csv_file(["name"], ["<script>alert(1)</script>"])).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


# --- What is refused as a whole -------------------------------------------------------------------


def test_a_file_that_cannot_be_read_is_refused_with_the_reason(admin_client):
    page = upload(admin_client, b'name\n"Bistro Anna\n')
    assert upload_error(page) == "Row 2 (line 2): unexpected end of data."
    assert not Import.objects.exists()


def test_a_header_without_rows_is_refused(admin_client):
    assert upload_error(upload(admin_client, b"name,city\n")) == "There are no rows under the header."


def test_too_many_rows_are_refused_with_a_hint_to_the_command(admin_client, monkeypatch):
    monkeypatch.setattr(exchange, "MAX_ROWS", 3)
    page = upload(admin_client, csv_file(["name"], *[["Bistro"]] * 4))
    assert upload_error(page) == (
        "The file has more than 3 rows. Split it, or have it imported on the server: manage.py import_leads FILE"
    )


def test_an_upload_without_a_file_is_refused(admin_client):
    assert admin_client.post(f"{LEADS}import/").context["form"].errors


# --- Confirming -----------------------------------------------------------------------------------


def test_a_confirmed_preview_is_imported(admin_client, admin_user, lead):
    rows = [["", "Bistro Ben", "Goa"], [lead.pk, "Bistro Anna", "Goa"]]
    page = import_file(admin_client, csv_file(["id", "name", "city"], *rows))
    assert messages_of(page) == ["Imported: 1 new and 1 changed leads. 0 were as in the file."]
    assert list(Restaurant.objects.values_list("name", "city")) == [("Bistro Anna", "Goa"), ("Bistro Ben", "Goa")]
    new = Restaurant.objects.get(name="Bistro Ben")
    assert (new.created_by, new.assigned_to, new.lead_status) == (admin_user, admin_user, "NEW")
    assert new.search == "bistro ben\ngoa"
    imported = Import.objects.get()
    assert (imported.status, imported.content, imported.created, imported.changed) == ("IMPORTED", None, 1, 1)


def test_a_workbook_is_imported_like_a_csv_file(admin_client):
    import_file(admin_client, xlsx_file(["name", "phone", "potential_revenue"], ["Bistro Anna", "+1234567890", 500.5]))
    lead = Restaurant.objects.get()
    assert (lead.phone, str(lead.potential_revenue)) == ("+1234567890", "500.50")


def test_an_update_goes_through_the_verb_and_leaves_history(admin_client, admin_user, user, lead):
    get_user_model().objects.create_user("kam.west")
    header = ["id", "lead_status", "assigned_to"]
    import_file(admin_client, csv_file(header, [lead.pk, "LOST", "kam.west"]))
    lead.refresh_from_db()
    [status], [owner] = lead.status_changes.all(), lead.owner_changes.all()
    assert (lead.lead_status, lead.assigned_to.username) == ("LOST", "kam.west")
    assert (status.old_status, status.new_status, status.created_by) == ("NEW", "LOST", admin_user)
    assert (owner.old_owner, owner.new_owner.username, owner.created_by) == (user, "kam.west", admin_user)
    assert status.note == "Imported from leads.csv."


def test_a_skipped_row_is_not_written(admin_client, lead):
    other = Restaurant.objects.create(name="Bistro Ben")
    import_file(admin_client, csv_file(["id", "name"], [lead.pk, "Bistro Anna"], [other.pk, "Bistro Cem"]))
    before = lead.updated_at
    lead.refresh_from_db()
    assert lead.updated_at == before


def test_an_import_is_logged_in_the_history_of_its_rows(admin_client, lead):
    import_file(admin_client, csv_file(["id", "name"], ["", "Bistro Ben"], [lead.pk, "Bistro Cem"]))
    new = Restaurant.objects.latest("pk")
    assert set(LogEntry.objects.values_list("object_id", "change_message")) == {
        (str(lead.pk), "Imported from leads.csv."),
        (str(new.pk), "Imported from leads.csv."),
    }


def test_a_file_with_one_row_in_error_changes_nothing(admin_client, lead):
    rows = [["", "Bistro Ben"], [lead.pk, "Bistro Cem"], ["", ""]]
    preview = upload(admin_client, csv_file(["id", "name"], *rows, ["9" * 25, "Bistro Dora"]))
    assert form_of(preview, "confirm_form")["partial"] == "1"
    page = admin_client.post(address_of(preview), {"digest": preview.context["run"].digest}, follow=True)
    assert messages_of(page)[0].startswith("Nothing was imported")
    assert [row.name for row in Restaurant.objects.all()] == ["Bistro Anna"]


def test_an_upload_is_imported_once(admin_client):
    preview = upload(admin_client, csv_file(["name"], ["Bistro Anna"]))
    confirm(admin_client, preview)
    page = confirm(admin_client, preview)
    assert messages_of(page) == ["The file is no longer stored. Please upload it again."]
    assert Restaurant.objects.count() == 1


def test_a_row_changed_since_the_preview_is_previewed_again(admin_client, lead):
    preview = upload(admin_client, csv_file(["id", "city"], [lead.pk, "Goa"]))
    lead.edit(city="Mumbai")
    page = confirm(admin_client, preview)
    lead.refresh_from_db()
    assert lead.city == "Mumbai"
    assert messages_of(page)[0].startswith("Nothing was imported: the data has changed since the preview.")
    assert outcomes(page)[0].changes == [("city", "Mumbai", "Goa")]
    confirm(admin_client, preview)
    lead.refresh_from_db()
    assert lead.city == "Mumbai"


def test_a_lead_deleted_since_the_preview_is_a_row_in_error(admin_client, lead):
    preview = upload(admin_client, csv_file(["id", "city"], [lead.pk, "Goa"]))
    lead.delete()
    page = confirm(admin_client, preview)
    assert outcomes(page)[0].problems[0].message == "There is no lead with this id."


def test_a_concurrent_change_of_another_field_is_not_undone(admin_client, lead):
    preview = upload(admin_client, csv_file(["id", "city"], [lead.pk, "Goa"]))
    lead.edit(phone="123-456-7890")
    confirm(admin_client, preview)
    lead.refresh_from_db()
    assert (lead.city, lead.phone) == ("Goa", "123-456-7890")


@pytest.mark.parametrize("error", [IntegrityError("gone"), OperationalError("database is locked")])
def test_a_conflicting_change_rolls_the_import_back_with_a_message(error, admin_client, monkeypatch):
    preview = upload(admin_client, csv_file(["name"], ["Bistro Anna"]))

    def fail(*args):
        raise error

    monkeypatch.setattr(exchange, "finish", fail)
    page = confirm(admin_client, preview)
    assert "Please confirm again." in messages_of(page)[0]
    assert not Restaurant.objects.exists()


# --- Permissions ----------------------------------------------------------------------------------


def test_an_upload_is_visible_only_to_its_user(admin_client, client):
    preview = upload(admin_client, csv_file(["name"], ["Bistro Anna"]))
    client.force_login(staff("lead.import_restaurant", "lead.add_restaurant", "lead.view_restaurant"))
    seen = client.get(address_of(preview), follow=True)
    sent = client.post(address_of(preview), form_of(preview, "confirm_form"), follow=True)
    for page in (seen, sent):
        assert messages_of(page) == ["The file is no longer stored. Please upload it again."]
    assert not Restaurant.objects.exists()


def test_an_upload_of_leads_cannot_be_imported_as_contacts(admin_client):
    preview = upload(admin_client, csv_file(["name"], ["Bistro Anna"]))
    there = address_of(preview).replace(LEADS, CONTACTS)
    assert messages_of(admin_client.get(there, follow=True)) == [
        "The file is no longer stored. Please upload it again."
    ]


def test_an_upload_replaces_the_users_last_one(admin_client):
    first = upload(admin_client, csv_file(["name"], ["Bistro Anna"]))
    upload(admin_client, csv_file(["name"], ["Bistro Ben"]))
    confirm(admin_client, first)
    assert not Restaurant.objects.exists()


def test_unconfirmed_uploads_are_deleted_after_a_day(admin_client, user, time_machine):
    time_machine.move_to("2024-12-24T10:00:00Z")
    old = Import.store(user=user, kind="leads", name="a.csv", content=b"", source="x", moment=exchange.dates.now())
    time_machine.move_to("2024-12-25T10:00:01Z")
    upload(admin_client, csv_file(["name"], ["Bistro Anna"]))
    assert not Import.objects.filter(pk=old.pk).exists()


MAY = ["lead.view_restaurant", "lead.add_restaurant", "lead.change_restaurant", "lead.import_restaurant"]


def test_the_import_permission_includes_no_other_permission(client, lead):
    client.force_login(staff(*MAY[:2], "lead.import_restaurant"))
    preview = upload(client, csv_file(["id", "name"], ["", "Bistro Ben"], [lead.pk, "Bistro Cem"]))
    assert outcomes(preview)[0].problems == [("", "", "You may not change leads.")]


def test_an_importer_who_may_only_change_adds_no_rows(client, lead):
    client.force_login(staff("lead.view_restaurant", "lead.change_restaurant", "lead.import_restaurant"))
    preview = upload(client, csv_file(["id", "name"], ["", "Bistro Ben"], [lead.pk, "Bistro Cem"]))
    assert outcomes(preview)[0].problems == [("", "", "You may not add leads.")]


@pytest.mark.parametrize(("permissions", "may"), [(MAY, True), (MAY[:3], False), ([MAY[0], MAY[3]], False)])
def test_the_import_is_hidden_and_forbidden_without_permission(permissions, may, client, db):
    client.force_login(staff(*permissions))
    offered = f'href="{LEADS}import/"' in client.get(LEADS).content.decode()
    file = SimpleUploadedFile("leads.csv", b"name\nAnna\n")
    answers = {client.get(f"{LEADS}import/").status_code, client.post(f"{LEADS}import/", {"file": file}).status_code}
    assert (offered, answers) == (may, {200, 302} if may else {403})
    assert client.get(f"{LEADS}import/0/").status_code == (302 if may else 403)


# --- Contacts -------------------------------------------------------------------------------------


def test_contacts_are_imported_to_leads_by_their_ids(admin_client, admin_user, lead, contact):
    rows = [["", lead.pk, "Ben Costa", "Chef"], [contact.pk, lead.pk, "Asha Rao", "Owner"]]
    page = import_file(admin_client, csv_file(["id", "restaurant", "name", "role"], *rows), CONTACTS)
    assert messages_of(page) == ["Imported: 1 new and 1 changed contacts. 0 were as in the file."]
    assert list(Contact.objects.values_list("name", "role")) == [("Asha Rao", "Owner"), ("Ben Costa", "Chef")]
    assert Contact.objects.latest("pk").created_by == admin_user


@pytest.mark.parametrize("text", ["999999", "x", "-1", "9" * 30])
def test_a_contact_of_an_unknown_lead_is_in_error(text, admin_client, lead):
    preview = upload(admin_client, csv_file(["restaurant", "name"], [text, "Asha Rao"]), CONTACTS)
    assert outcomes(preview)[0].problems == [("restaurant", text, "There is no lead with this id.")]


def test_a_contact_without_a_lead_is_in_error(admin_client):
    preview = upload(admin_client, csv_file(["name", "restaurant"], ["Asha Rao", ""], ["", ""]), CONTACTS)
    assert outcomes(preview)[0].problems == [("restaurant", "", "This field may not be null.")]


def test_an_import_changes_owners_only_with_the_hand_over_permission(client, user, lead):
    may = ["lead.view_restaurant", "lead.change_restaurant", "lead.import_restaurant"]
    importer = staff(*may)
    client.force_login(importer)
    file = csv_file(["id", "assigned_to"], [lead.pk, importer.username])
    assert outcomes(upload(client, file))[0].problems == [
        ("assigned_to", importer.username, "You may not hand over leads.")
    ]
    assert totals(upload(client, csv_file(["id", "assigned_to"], [lead.pk, user.username]))) == {"skip": 1}
