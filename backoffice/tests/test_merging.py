"""Merging in the admin: choosing the other row, both side by side, field by field, and taking them apart again."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.urls import reverse

from backoffice.tests.support import messages_of, staff, text_of
from call.models import CallPlan
from contact.models import Contact
from crm.tests.support import form_of
from lead.models import LeadMerge, Restaurant
from track.models import Interaction

LIST = "/admin/lead/restaurant/"
VIEW, CHANGE, HAND_OVER = "lead.view_restaurant", "lead.change_restaurant", "lead.hand_over_restaurant"


@pytest.fixture
def other(db):
    """Another record of the same restaurant, of another owner."""
    owner = get_user_model().objects.create_user("asha")
    lead = Restaurant.objects.create(
        name="Bistro Ana", city="Pune", phone="020 1234 567", notes="By the sea.", assigned_to=owner
    )
    person = Contact.objects.create(restaurant=lead, name="ASHA RAO", email="asha@example.com")
    Contact.objects.create(restaurant=lead, name="Ben Das")
    CallPlan.objects.create(lead=lead, frequency="DAILY")
    for _ in range(2):
        Interaction.log(lead=lead, contact=person, interaction_type="CALL")
    return lead


@pytest.fixture
def ours(lead, contact, plan):
    lead.edit(notes="Asked for the catalog.", potential_revenue=500)
    return lead


@pytest.fixture
def reader_client(client, db):
    client.force_login(staff(VIEW, "contact.view_contact"))
    return client


def page_of(row, page: str = "change", *more: int) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk, *more])


def compare(client, row, other):
    """The page with both side by side."""
    return client.get(page_of(row, "merge"), {"other": other.pk})


def merge(client, row, other, page=None, **choices: str):
    """Confirms the page, or the one that was opened before."""
    form = form_of(page or compare(client, row, other), "merge_form")
    return client.post(page_of(row, "merge"), {**form, **choices}, follow=True)


def end_of(answer) -> str:
    """Where the answer has led to."""
    return answer.redirect_chain[-1][0]


def lines(page) -> dict:
    return {line.label: line for line in page.context["form"].lines()}


# --- Both side by side ----------------------------------------------------------------------------


def test_the_page_offers_the_values_that_differ(admin_client, ours, other):
    page = compare(admin_client, ours, other)
    offered = {
        label: [(value, str(text)) for value, text in line.choice.field.choices]
        for label, line in lines(page).items()
        if line.choice
    }
    assert offered == {
        "Name": [("ours", "Bistro Anna"), ("other", "Bistro Ana")],
        "Phone": [("ours", "<i>empty</i>"), ("other", "020 1234 567")],
        "Potential revenue": [("ours", "500.00"), ("other", "<i>empty</i>")],
        "Notes": [("ours", "Asked for the catalog."), ("other", "By the sea."), ("both", "Both, one below the other")],
        "Assigned to": [("ours", "kam"), ("other", "asha")],
    }
    assert (lines(page)["City"].text, lines(page)["City"].note) == ("Pune", "the same")
    assert "Cuisine type" in page.context["form"].empty_in_both()


def test_by_default_ours_stays_unless_it_is_empty(admin_client, ours, other):
    form = form_of(compare(admin_client, ours, other), "merge_form")
    choices = {name: form[name] for name in ("name", "phone", "potential_revenue", "notes", "assigned_to_id")}
    assert choices == {
        "name": "ours",
        "phone": "other",
        "potential_revenue": "ours",
        "notes": "ours",
        "assigned_to_id": "ours",
    }


def test_the_page_says_what_would_move_and_moves_nothing(admin_client, ours, other):
    page = compare(admin_client, ours, other)
    assert sorted(page.context["moved"]) == ["1 contact", "1 owner change", "2 call events", "2 interactions"]
    assert sorted(page.context["joined"]) == ["1 call plan", "1 contact"]
    assert other.interactions.count() == 2
    assert not LeadMerge.objects.exists()


@pytest.mark.parametrize("rows", [3, 30])
def test_the_page_costs_the_same_queries_whatever_moves(rows, admin_client, ours, other, django_assert_num_queries):
    Interaction.objects.bulk_create(Interaction(lead=other, interaction_type="OTHER") for _ in range(rows))
    compare(admin_client, ours, other)  # fills caches
    with django_assert_num_queries(95):
        compare(admin_client, ours, other)


def test_markup_in_a_value_is_escaped(admin_client, ours, other):
    other.edit(notes="<b>By the sea</b>")
    assert "&lt;b&gt;By the sea&lt;/b&gt;" in text_of(compare(admin_client, ours, other))


# --- Confirming -----------------------------------------------------------------------------------


def test_the_confirmed_choices_are_merged(admin_client, admin_user, ours, other):
    answer = merge(admin_client, ours, other, name="other", notes="both", assigned_to_id="other")
    assert end_of(answer) == page_of(ours)
    ours.refresh_from_db()
    assert (ours.name, ours.phone, ours.notes) == (
        "Bistro Ana",
        "020 1234 567",
        "Asked for the catalog.\n\nBy the sea.",
    )
    assert (ours.assigned_to, ours.owner_changes.get().created_by) == (other.assigned_to, admin_user)
    assert ours.interactions.count() == 2
    record = ours.merges.get()
    assert (record.merged_id, record.created_by) == (other.pk, admin_user)


def test_the_message_says_what_moved_and_leads_on(admin_client, ours, other):
    (message,) = messages_of(merge(admin_client, ours, other))
    assert f"Lead {other.pk}, Bistro Ana, is part of" in message
    assert f'<a href="{page_of(ours)}">Bistro Anna</a>' in message
    assert "2 interactions" in message
    assert f'<a href="{page_of(ours, "unmerge", other.pk)}">Unmerge…</a>' in message


def test_a_merge_is_in_the_history_of_the_page(admin_client, ours, other):
    merge(admin_client, ours, other)
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.change_message) == (str(ours.pk), f"Merged with lead {other.pk}, Bistro Ana.")


@pytest.mark.parametrize("choice", ["both", "theirs"])
def test_a_choice_that_is_not_offered_is_an_error(choice, admin_client, ours, other):
    answer = merge(admin_client, ours, other, name=choice)
    assert (answer.status_code, list(answer.context["form"].errors)) == (200, ["name"])
    assert not LeadMerge.objects.exists()


def test_the_owner_is_chosen_with_the_permission_to_hand_over(client, ours, other):
    client.force_login(staff(VIEW, CHANGE))
    page = compare(client, ours, other)
    assert (lines(page)["Assigned to"].text, lines(page)["Assigned to"].choice) == ("kam", None)
    merge(client, ours, other, assigned_to_id="other")
    ours.refresh_from_db()
    assert ours.assigned_to.username == "kam"


# --- Choosing the other one -----------------------------------------------------------------------


def found(page) -> list[int]:
    return [each["row"].pk for each in page.context["found"]]


@pytest.mark.parametrize("term", ["bistro an", "1234 567", "pune", "id"])
def test_the_other_one_is_found_by_what_is_known_of_it(term, admin_client, ours, other):
    page = admin_client.get(page_of(ours, "merge"), {"q": str(other.pk) if term == "id" else term})
    assert found(page) == [other.pk]
    assert f"?other={other.pk}" in page.content.decode()


def test_leads_of_the_same_name_are_offered_first(admin_client, ours, other):
    assert found(admin_client.get(page_of(ours, "merge"))) == []
    other.edit(name="BISTRO ANNA")
    assert found(admin_client.get(page_of(ours, "merge"))) == [other.pk]


def test_many_leads_are_narrowed_down(admin_client, ours):
    Restaurant.objects.bulk_create(Restaurant(name=f"Bistro {number}") for number in range(21))
    page = admin_client.get(page_of(ours, "merge"), {"q": "bistro"})
    assert (len(found(page)), page.context["has_more"]) == (20, True)


def test_hidden_leads_are_neither_offered_nor_merged(client, ours, other, settings):
    settings.ACCESS = "own"
    client.force_login(user := staff(VIEW, CHANGE))
    Restaurant.objects.filter(pk=ours.pk).update(assigned_to=user)
    assert found(client.get(page_of(ours, "merge"), {"q": "bistro"})) == []
    answer = client.post(page_of(ours, "merge"), {"other": other.pk}, follow=True)
    assert messages_of(answer) == [
        f"Lead {other.pk} doesn’t exist. Perhaps it was deleted? Nothing was changed.",
    ]
    assert not LeadMerge.objects.exists()


@pytest.mark.parametrize("given", ["itself", "", "x", "9" * 30])
def test_a_wrong_other_one_leads_back_to_the_choice(given, admin_client, ours):
    answer = admin_client.get(
        page_of(ours, "merge"), {"other": str(ours.pk) if given == "itself" else given}, follow=True
    )
    assert (end_of(answer), len(messages_of(answer))) == (page_of(ours, "merge"), 1)


def selected(client, *rows):
    data = {"action": "merge", "_selected_action": [row.pk for row in rows]}
    return client.post(reverse(f"admin:{rows[0]._meta.app_label}_{rows[0]._meta.model_name}_changelist"), data)


def test_two_selected_rows_lead_to_the_page_and_the_older_one_stays(admin_client, ours, other):
    older, newer = sorted([ours, other], key=lambda row: row.pk)
    answer = selected(admin_client, newer, older)
    assert answer["Location"] == f"{page_of(older, 'merge')}?other={newer.pk}"
    assert compare(admin_client, older, newer).context["swap"] == f"{page_of(newer, 'merge')}?other={older.pk}"


def test_one_selected_row_or_three_are_not_merged(admin_client, ours, other):
    third = Restaurant.objects.create(name="Bistro")
    for rows in ([ours], [ours, other, third]):
        answer = selected(admin_client, *rows)
        assert messages_of(admin_client.get(answer["Location"])) == ["Choose exactly two rows to merge."]


# --- What happens meanwhile -----------------------------------------------------------------------


@pytest.mark.parametrize("which", ["ours", "other"])
def test_a_row_that_has_changed_since_is_shown_again(which, admin_client, ours, other):
    page = compare(admin_client, ours, other)
    (ours if which == "ours" else other).edit(city="Goa")
    answer = merge(admin_client, ours, other, page, notes="both")
    assert "has changed meanwhile. Nothing was merged" in text_of(answer)
    assert not LeadMerge.objects.exists()
    again = form_of(answer, "merge_form")
    assert (again["notes"], again["city"]) == ("both", "ours")
    merge(admin_client, ours, other, answer)
    ours.refresh_from_db()
    assert ours.notes == "Asked for the catalog.\n\nBy the sea."


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_conflict_with_another_user_is_said(method, admin_client, ours, other, monkeypatch):
    form = form_of(compare(admin_client, ours, other), "merge_form")

    def locked(*args, **kwargs):
        raise OperationalError("database is locked")

    monkeypatch.setattr(Restaurant, "merge", locked)
    answer = getattr(admin_client, method)(page_of(ours, "merge"), form, follow=True)
    assert messages_of(answer) == ["A simultaneous change got in the way. Nothing was changed; please look again."]


def test_rows_added_meanwhile_move_too(admin_client, ours, other):
    page = compare(admin_client, ours, other)
    Interaction.log(lead=other, interaction_type="VISIT")
    merge(admin_client, ours, other, page)
    assert ours.interactions.count() == 3


def test_an_other_one_that_is_gone_is_said(admin_client, ours, other):
    page = compare(admin_client, ours, other)
    pk = other.pk
    other.delete()
    other.pk = pk
    answer = merge(admin_client, ours, other, page)
    assert messages_of(answer) == [f"Lead {pk} doesn’t exist. Perhaps it was deleted? Nothing was changed."]
    assert end_of(answer) == page_of(ours, "merge")


def test_an_other_one_that_was_merged_meanwhile_is_said(admin_client, ours, other):
    page = compare(admin_client, ours, other)
    third = Restaurant.objects.create(name="Bistro")
    third.merge(other.pk)
    answer = merge(admin_client, ours, other, page)
    assert messages_of(answer) == [f"Lead {other.pk} was merged into {third.pk}. Nothing was changed."]


def test_a_page_that_is_sent_twice_merges_once(admin_client, ours, other):
    page = compare(admin_client, ours, other)
    merge(admin_client, ours, other, page)
    answer = merge(admin_client, ours, other, page)
    assert messages_of(answer)[-1] == f"Lead {other.pk} was merged into {ours.pk}. Nothing was changed."
    assert (end_of(answer), LeadMerge.objects.count()) == (page_of(ours), 1)


def test_a_survivor_that_was_merged_meanwhile_leads_to_its_own(admin_client, ours, other):
    page = compare(admin_client, ours, other)
    third = Restaurant.objects.create(name="Bistro")
    third.merge(ours.pk)
    answer = merge(admin_client, ours, other, page)
    assert messages_of(answer) == [f"Lead {ours.pk} was merged into {third.pk}. Nothing was changed."]
    assert (end_of(answer), other.interactions.count()) == (page_of(third), 2)


# --- The address of a merged row ------------------------------------------------------------------


@pytest.mark.parametrize("page", ["change", "history", "delete", "timeline", "merge", "change_status"])
def test_the_address_of_a_merged_lead_leads_to_the_survivor(page, admin_client, ours, other):
    ours.merge(other.pk)
    answer = admin_client.get(page_of(other, page), follow=True)
    assert (end_of(answer), messages_of(answer)) == (page_of(ours), [f"Lead {other.pk} was merged into {ours.pk}."])


def test_a_verb_of_a_merged_lead_changes_nothing_and_says_so(admin_client, ours, other):
    ours.merge(other.pk)
    answer = admin_client.post(page_of(other, "change_status"), {"status": "LOST"}, follow=True)
    assert messages_of(answer) == [f"Lead {other.pk} was merged into {ours.pk}. Nothing was changed."]
    assert Restaurant.objects.get().lead_status == "NEW"


def test_a_merged_lead_of_a_hidden_survivor_does_not_exist(client, ours, other, settings):
    ours.merge(other.pk)
    settings.ACCESS = "own"
    client.force_login(staff(VIEW))
    answer = client.get(page_of(other), follow=True)
    assert messages_of(answer) == [f"Lead with ID “{other.pk}” doesn’t exist. Perhaps it was deleted?"]


# --- Taking apart ---------------------------------------------------------------------------------


def test_the_page_of_the_survivor_says_what_was_merged(admin_client, admin_user, ours, other):
    ours.merge(other.pk, by=admin_user)
    page = admin_client.get(page_of(ours))
    ((merged, href),) = [(each["row"], each["href"]) for each in page.context["merges"]]
    assert (merged.name, href) == ("Bistro Ana", page_of(ours, "unmerge", other.pk))
    assert f"Bistro Ana · lead {other.pk}" in text_of(page)


def test_unmerge_confirms_first_and_then_takes_apart(admin_client, ours, other):
    ours.merge(other.pk)
    page = admin_client.get(page_of(ours, "unmerge", other.pk))
    assert "<b>Bistro Ana</b>" in text_of(page)
    assert sorted(page.context["moved"]) == ["1 contact", "1 owner change", "2 call events", "2 interactions"]
    assert not Restaurant.objects.filter(pk=other.pk).exists()
    answer = admin_client.post(page_of(ours, "unmerge", other.pk), follow=True)
    assert end_of(answer) == page_of(ours)
    assert messages_of(answer) == [
        f'Lead {other.pk}, <a href="{page_of(other)}">Bistro Ana</a>, is one of its own again.',
    ]
    assert other.interactions.count() == 2
    assert not admin_client.get(page_of(ours)).context["merges"]


def test_what_was_taken_out_already_is_said(admin_client, ours, other):
    path = page_of(ours, "unmerge", other.pk)
    for answer in (admin_client.get(path, follow=True), admin_client.post(path, follow=True)):
        (message,) = messages_of(answer)
        assert message == f"The lead {other.pk} is not part of this one, or was taken out already. Nothing was changed."


def test_a_refusal_to_take_apart_is_said_with_its_reason(admin_client, ours, other):
    last = Restaurant.objects.create(name="Bistro")
    ours.merge(other.pk)
    last.merge(ours.pk)
    answer = admin_client.post(page_of(last, "unmerge", other.pk), follow=True)
    assert messages_of(answer) == [f"Nothing was changed: Take {ours.pk} out first: it brought this one."]


# --- Contacts -------------------------------------------------------------------------------------


@pytest.fixture
def person(contact):
    """Another record of the contact."""
    return Contact.objects.create(restaurant=contact.restaurant, name="A. Rao", email="asha@example.com", address="A")


def test_contacts_are_merged_field_by_field(admin_client, contact, person):
    contact.edit(address="B")
    call = Interaction.log(lead=contact.restaurant, contact=person, interaction_type="CALL")
    answer = merge(admin_client, contact, person, name="other", address="both")
    assert end_of(answer) == page_of(contact)
    contact.refresh_from_db()
    assert (contact.name, contact.email, contact.address) == ("A. Rao", "asha@example.com", "B\n\nA")
    call.refresh_from_db()
    assert call.contact == contact
    admin_client.post(page_of(contact, "unmerge", person.pk))
    contact.refresh_from_db()
    assert (contact.name, person.interactions.get()) == ("Asha Rao", call)


def test_only_contacts_of_one_lead_are_offered_and_merged(admin_client, contact, person):
    stranger = Contact.objects.create(restaurant=Restaurant.objects.create(name="Cafe Blau"), name="Asha Rao")
    assert found(admin_client.get(page_of(contact, "merge"))) == [person.pk]
    answer = admin_client.get(selected(admin_client, contact, stranger)["Location"], follow=True)
    assert messages_of(answer) == ["Only contacts of one lead can be merged."]


def test_a_contact_merged_with_its_lead_has_no_button_of_its_own(admin_client, ours, other, contact):
    ours.merge(other.pk)
    (merged,) = admin_client.get(page_of(contact)).context["merges"]
    assert (merged["row"], merged["href"]) == (None, "")
    assert "With its lead: take that one apart." in text_of(admin_client.get(page_of(contact)))


# --- Permissions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["lead", "contact"])
def test_who_may_only_view_sees_no_buttons_and_gets_403(table, reader_client, ours, other, contact, person):
    ours.merge(other.pk)
    contact.merge(person.pk)
    row, merged = (ours, other) if table == "lead" else (contact, person)
    page = reader_client.get(page_of(row))
    assert "Merged into this one" in text_of(page)
    for address in (page_of(row, "merge"), page_of(row, "unmerge", merged.pk)):
        assert address not in text_of(page)
        assert reader_client.get(address).status_code == reader_client.post(address).status_code == 403
    rows = reader_client.get(reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_changelist"))
    assert 'value="merge"' not in text_of(rows)
    assert row.merges.exists()
