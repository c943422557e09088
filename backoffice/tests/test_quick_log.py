"""Recording what happened from the search: the form, the verb, once; what was recorded, and taking it back."""

import re
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import OperationalError
from django.utils.dateparse import parse_datetime

from backoffice.tests.support import messages_of, staff, text_of
from call.models import CallPlan, WorkProfile
from contact.models import Contact
from crm.models import IdempotencyKey
from crm.tests import PASSWORD
from lead.models import Restaurant
from track.models import Interaction

PATH = "/admin/log/"
MAY = [
    "lead.view_restaurant",
    "contact.view_contact",
    "track.add_interaction",
    "track.add_orderdetails",
    "track.delete_interaction",
    "track.change_interaction",
]
NOW = "2026-01-19T09:07:30Z"
NOTHING_THERE = "You have recorded nothing here, or it was taken back already."
ORDER = {"product_details": "Rice", "quantity": "5", "total_price": "50.5"}


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def me(db):
    return staff(*MAY)


@pytest.fixture
def browser(me, client):
    client.force_login(me)
    return client


def save(browser, lead, key: str = "key-1", follow: bool = False, **fields):
    return browser.post(PATH, {"lead": lead.pk, "key": key, "interaction_type": "VISIT", **fields}, follow=follow)


def logged(answer) -> Interaction:
    """What the answer leads to."""
    assert answer.status_code == 302, text_of(answer)
    return Interaction.objects.get(pk=re.fullmatch(r"/admin/log/(\d+)/", answer.headers["Location"])[1])


def revoke(user, codename: str) -> None:
    user.user_permissions.remove(Permission.objects.get(codename=codename))


# --- The form -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["VISIT", "CALL", "ORDER"])
def test_the_button_presets_the_form(kind, browser, lead, contact):
    form = browser.get(PATH, {"lead": lead.pk, "interaction_type": kind, "contact": contact.pk}).context["form"]
    assert form["interaction_type"].value() == kind
    assert form["contact"].value() == str(contact.pk)
    assert form["date"].value() == "2026-01-19T09:07"
    assert form.opens_order == (kind == "ORDER")


def test_the_form_offers_the_contacts_of_the_lead_alone(browser, lead, contact):
    other = Contact.objects.create(restaurant=Restaurant.objects.create(name="Other"), name="Ben")
    page = text_of(browser.get(PATH, {"lead": lead.pk}))
    assert "Asha Rao" in page
    assert other.name not in page
    answer = save(browser, lead, contact=other.pk)
    assert "Choose one of the contacts of Bistro Anna." in text_of(answer)
    assert not Interaction.objects.exists()


def test_who_may_not_view_contacts_is_offered_none(browser, me, lead, contact):
    revoke(me, "view_contact")
    assert contact.name not in text_of(browser.get(PATH, {"lead": lead.pk, "contact": contact.pk}))
    interaction = logged(save(browser, lead, contact=contact.pk))
    assert interaction.contact is None
    Interaction.objects.update(contact=contact)
    assert contact.name not in text_of(browser.get(f"{PATH}{interaction.pk}/"))


@pytest.mark.parametrize(("currency", "label"), [("INR", "Total price (INR)"), ("", "Total price")])
def test_the_price_has_the_currency_in_its_label(currency, label, browser, lead, settings):
    settings.CURRENCY = currency
    assert browser.get(PATH, {"lead": lead.pk}).context["form"].order["total_price"].label == label


def test_the_form_shows_the_time_in_the_users_zone(browser, me, lead):
    WorkProfile.objects.create(user=me, time_zone="Asia/Kolkata")
    page = browser.get(PATH, {"lead": lead.pk})
    assert page.context["form"]["date"].value() == "2026-01-19T14:37"
    assert ">Asia/Kolkata</a>. Empty: now." in text_of(page)
    assert logged(save(browser, lead, date="2026-01-19T14:37")).date == parse_datetime("2026-01-19T09:07Z")


def test_the_hour_that_comes_twice_is_left_blank(browser, me, lead, now):
    WorkProfile.objects.create(user=me, time_zone="Europe/Berlin")
    now.move_to("2025-10-26T00:30:00Z")
    assert browser.get(PATH, {"lead": lead.pk}).context["form"]["date"].value() == ""


@pytest.mark.parametrize("lead", ["", "x", "0", "99999999", "1\0", "9" * 30])
def test_a_lead_that_is_none_is_not_found(lead, browser):
    assert browser.get(PATH, {"lead": lead}).status_code == 404
    assert browser.post(PATH, {"lead": lead}).status_code == 404


def test_the_forms_query_count_is_constant(browser, lead, django_assert_num_queries):
    for number in range(30):
        Contact.objects.create(restaurant=lead, name=f"Person {number}")
        if number in (2, 29):
            with django_assert_num_queries(7):  # session, user, two of permissions; lead, saved lists, contacts
                browser.get(PATH, {"lead": lead.pk})


# --- The verb -----------------------------------------------------------------------------------------


def test_a_visit_is_recorded(browser, me, lead, contact):
    visit = logged(save(browser, lead, contact=contact.pk, date="2026-01-18T10:00", details="Met the chef."))
    assert (visit.lead, visit.contact, visit.interaction_type) == (lead, contact, "VISIT")
    assert (visit.details, visit.order_placed, visit.created_by) == ("Met the chef.", False, me)
    assert visit.date == parse_datetime("2026-01-18T10:00Z")


def test_without_a_date_it_is_now(browser, lead):
    assert logged(save(browser, lead)).date == parse_datetime(NOW)


def test_it_moves_the_call_plan_as_every_touch_does(browser, lead):
    plan = CallPlan.objects.create(lead=lead, frequency="WEEKLY", next_call_date="2026-01-19T00:00:00Z")
    logged(save(browser, lead))
    plan.refresh_from_db()
    assert plan.next_call_date == parse_datetime("2026-01-26T09:07:30Z")


@pytest.mark.parametrize("kind", ["ORDER", "VISIT"])
def test_an_order_is_recorded_with_its_details(kind, browser, me, lead):
    interaction = logged(save(browser, lead, interaction_type=kind, **ORDER))
    order = interaction.order
    assert (interaction.interaction_type, interaction.order_placed) == (kind, True)
    assert (order.product_details, order.quantity, order.total_price) == ("Rice", 5, Decimal("50.50"))
    assert (order.created_by, order.order_date) == (me, interaction.date)


def test_an_order_without_details_is_one_too(browser, lead):
    order = logged(save(browser, lead, interaction_type="ORDER"))
    assert (order.order_placed, order.has_order_details()) == (True, False)
    assert "its details are not noted" in text_of(browser.get(f"{PATH}{order.pk}/"))


# --- Bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("interaction_type", "PARTY"),
        ("interaction_type", ""),
        ("contact", "x"),
        ("contact", "99999999"),
        ("date", "yesterday"),
        ("date", "1969-12-31T00:00"),
        ("date", "2101-01-01T00:00"),
        ("details", "x" * 20_001),
        ("details", "a\0b"),
        ("key", ""),
        ("key", "ü"),
    ],
)
def test_bad_input_is_shown_at_its_field_and_nothing_is_recorded(name, value, browser, lead):
    answer = save(browser, lead, **{"details": "Met the chef.", name: value})
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [name]
    assert "Nothing was recorded. Please correct the error below." in text_of(answer)
    assert name == "details" or "Met the chef." in text_of(answer)
    assert not Interaction.objects.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("product_details", ""),
        ("quantity", "0"),
        ("quantity", "1.5"),
        ("quantity", str(2**31)),
        ("quantity", ""),
        ("total_price", "-1"),
        ("total_price", "x"),
        ("total_price", "1.234"),
        ("total_price", ""),
    ],
)
def test_an_order_is_complete_or_none(name, value, browser, lead):
    answer = save(browser, lead, details="Met the chef.", **{**ORDER, name: value})
    assert list(answer.context["form"].order.errors) == [name]
    assert answer.context["form"].opens_order
    assert "Met the chef." in text_of(answer)
    assert not Interaction.objects.exists()


# --- Once ---------------------------------------------------------------------------------------------


def test_a_form_that_is_sent_twice_is_recorded_once(browser, lead):
    first, second = save(browser, lead), save(browser, lead, follow=True)
    assert second.redirect_chain[0][0] == first.headers["Location"]
    assert messages_of(second) == ["It was recorded before. Nothing was recorded a second time."]
    assert Interaction.objects.count() == 1


def test_another_text_with_the_same_key_asks_first(browser, lead):
    save(browser, lead)
    answer = save(browser, lead, details="Met the chef.")
    assert "This form was recorded already, with something else." in text_of(answer)
    assert "Met the chef." in text_of(answer)
    assert Interaction.objects.count() == 1
    logged(save(browser, lead, answer.context["key"], details="Met the chef."))
    assert Interaction.objects.count() == 2


def test_the_way_back_leads_to_what_was_recorded(browser, lead):
    recorded = logged(save(browser, lead))
    answer = browser.get(PATH, {"lead": lead.pk, "interaction_type": "VISIT", "key": "key-1"})
    assert logged(answer) == recorded


def test_the_key_of_the_button_is_that_of_the_form(browser, lead):
    page = browser.get("/admin/search/", {"q": "anna"}).content.decode()
    address = re.search(r'href="(/admin/log/[^"]*)"', page)[1].replace("&amp;", "&")
    form = browser.get(address)
    assert form.context["key"] == parse_qs(urlsplit(address).query)["key"][0]
    assert f'name="key" value="{form.context["key"]}"' in text_of(form)


def test_errors_leave_the_key_unused(browser, lead):
    save(browser, lead, date="yesterday")
    assert not IdempotencyKey.objects.exists()
    logged(save(browser, lead))


def test_what_was_taken_back_is_not_recorded_again(browser, lead):
    recorded = logged(save(browser, lead))
    browser.post(f"{PATH}{recorded.pk}/", follow=True)
    answer = save(browser, lead, follow=True)
    assert messages_of(answer) == ["It was recorded, and taken back since. Nothing was recorded now."]
    assert not Interaction.objects.exists()


def test_keys_are_each_users_own(browser, lead, client, db):
    first = logged(save(browser, lead))
    client.force_login(get_user_model().objects.create_superuser("asha"))
    assert logged(save(client, lead)) != first


def test_a_conflict_is_said_and_what_was_typed_stays(browser, lead, monkeypatch):
    def fail(**fields):
        raise OperationalError("database is locked")

    monkeypatch.setattr(Interaction, "log", fail)
    page = text_of(save(browser, lead, details="Met the chef."))
    assert "A simultaneous change got in the way." in page
    assert "Met the chef." in page


def test_a_contact_that_leaves_meanwhile_is_said(browser, lead, contact, monkeypatch):
    log = Interaction.log

    def leave_first(**fields):
        contact.edit(restaurant=Restaurant.objects.create(name="Other"))
        return log(**fields)

    monkeypatch.setattr(Interaction, "log", leave_first)
    page = text_of(save(browser, lead, contact=contact.pk))
    assert f"Contact {contact.pk} does not belong to lead {lead.pk}." in page
    assert not Interaction.objects.exists()


# --- What was recorded --------------------------------------------------------------------------------


def test_the_next_page_says_what_was_recorded(browser, lead, contact, settings):
    settings.CURRENCY = "EUR"
    page = text_of(save(browser, lead, contact=contact.pk, interaction_type="ORDER", follow=True, **ORDER))
    for said in (
        f'<a href="/admin/lead/restaurant/{lead.pk}/change/">Bistro Anna</a>',
        "Asha Rao",
        "5 × Rice, 50.50 EUR",
    ):
        assert said in page, said
    assert "19 Jan 2026 09:07" in page


@pytest.mark.parametrize("order", [{}, ORDER])
def test_undo_deletes_it(order, browser, lead):
    plan = CallPlan.objects.create(lead=lead, frequency="WEEKLY", next_call_date="2026-01-19T00:00:00Z")
    before = plan.next_call_date
    recorded = logged(save(browser, lead, **order))
    answer = browser.post(f"{PATH}{recorded.pk}/", follow=True)
    assert answer.redirect_chain[0][0] == f"/admin/lead/restaurant/{lead.pk}/change/"
    assert messages_of(answer) == ["Taken back: Visit, Bistro Anna."]
    assert not Interaction.objects.exists()
    plan.refresh_from_db()
    assert plan.next_call_date.isoformat().startswith(before[:10])


def test_undo_twice_is_undo_once(browser, lead):
    recorded = logged(save(browser, lead))
    for expected in (
        "Taken back: Visit, Bistro Anna.",
        "You have recorded nothing here, or it was taken back already.",
    ):
        assert messages_of(browser.post(f"{PATH}{recorded.pk}/", follow=True)) == [expected]


def test_what_others_recorded_is_as_what_never_was(browser, interaction):
    answers = [browser.get(f"{PATH}{pk}/", follow=True) for pk in (interaction.pk, 99_999)]
    answers += [browser.post(f"{PATH}{pk}/", follow=True) for pk in (interaction.pk, 99_999)]
    assert {tuple(messages_of(answer)) for answer in answers} == {(NOTHING_THERE,)}
    assert Interaction.objects.count() == 1


def test_undo_needs_the_permission_to_delete(browser, me, lead):
    recorded = logged(save(browser, lead))
    assert ">Undo<" in text_of(browser.get(f"{PATH}{recorded.pk}/"))
    revoke(me, "delete_interaction")
    assert ">Undo<" not in text_of(browser.get(f"{PATH}{recorded.pk}/"))
    assert browser.post(f"{PATH}{recorded.pk}/").status_code == 403
    assert Interaction.objects.exists()


def test_a_contact_who_is_hidden_by_now_is_not_named(browser, me, lead, contact, user, settings):
    settings.ACCESS = "own"
    lead.edit(assigned_to=me)
    recorded = logged(save(browser, lead, contact=contact.pk))
    assert "Asha Rao" in text_of(browser.get(f"{PATH}{recorded.pk}/"))
    contact.edit(restaurant=Restaurant.objects.create(name="Other", assigned_to=user))
    assert "Asha Rao" not in text_of(browser.get(f"{PATH}{recorded.pk}/"))


# --- Access -------------------------------------------------------------------------------------------


def test_a_hidden_lead_is_as_a_missing_one(browser, lead, settings):
    settings.ACCESS = "own"
    assert browser.get(PATH, {"lead": lead.pk}).status_code == 404
    assert save(browser, lead).status_code == 404
    assert not Interaction.objects.exists()


@pytest.mark.parametrize("missing", ["view_restaurant", "add_interaction"])
def test_the_form_needs_its_permissions(missing, browser, me, lead):
    revoke(me, missing)
    assert browser.get(PATH, {"lead": lead.pk}).status_code == 403
    assert save(browser, lead).status_code == 403
    assert not Interaction.objects.exists()


def test_who_may_not_add_orders_records_none(browser, me, lead):
    revoke(me, "add_orderdetails")
    page = text_of(browser.get(PATH, {"lead": lead.pk}))
    assert 'name="product_details"' not in page
    assert 'value="ORDER"' not in page
    assert "interaction_type" in save(browser, lead, interaction_type="ORDER").context["form"].errors
    assert not logged(save(browser, lead, **ORDER)).order_placed


def test_what_was_typed_outlives_the_session(client, me, lead, contact):
    me.set_password(PASSWORD)
    me.save()
    sent = {"contact": contact.pk, "details": "Met the chef; 5 % off?", "date": "2026-01-18T10:00", **ORDER}
    login = save(client, lead, **sent).headers["Location"]
    assert len(login) < 4_000
    back = parse_qs(urlsplit(login).query)["next"][0]
    page = client.post(login, {"username": "staff", "password": PASSWORD, "next": back}, follow=True)
    form = page.context["form"]
    assert {name: str(form[name].value()) for name in ("contact", "details", "date")} == {
        name: str(sent[name]) for name in ("contact", "details", "date")
    }
    assert {name: form.order[name].value() for name in ORDER} == ORDER
    assert form.opens_order
    assert page.context["key"] == "key-1"
    assert not Interaction.objects.exists()


@pytest.mark.parametrize("letter", ["a", "ü", "अ", "&"])
def test_a_long_text_is_cut_to_what_an_address_takes(letter, client, lead):
    assert len(save(client, lead, details=letter * 20_000).headers["Location"]) < 4_000
