"""Orders on the pages of the admin: flag and details agree, a blank date follows, orders without details count."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.urls import reverse

from backoffice.tests.support import INTERACTIONS, LEADS, text_of
from crm.tests.support import form_of, send_form
from track.models import Interaction, OrderDetails

JANUARY, FEBRUARY, MARCH = (datetime(2025, month, 10, 10, tzinfo=UTC) for month in (1, 2, 3))
BLANK = {"order-0-order_date_0": "", "order-0-order_date_1": ""}


@pytest.fixture
def order(lead):
    """Its date was left out."""
    details = {"product_details": "Oil", "quantity": 1, "total_price": Decimal(5)}
    return Interaction.log(lead=lead, interaction_type="ORDER", date=JANUARY, order=details).order


@pytest.fixture
def path(order):
    return reverse("admin:track_interaction_change", args=[order.interaction_id])


def submit(client, path, form_id="interaction_form", **changes):
    """An empty text is a control that is not sent, as of a checkbox that is not ticked."""
    form = form_of(client.get(path), form_id) | changes
    return client.post(path, {name: value for name, value in form.items() if value != ""})


def order_date() -> datetime:
    return OrderDetails.objects.get().order_date


def test_unticking_beside_details_is_an_error_of_the_form(admin_client, path):
    answer = submit(admin_client, path, order_placed="", details="Changed.")
    assert answer.context["adminform"].form.errors == {
        "order_placed": ["Delete the order below first, and save; then this can be unticked."]
    }
    assert (Interaction.objects.get().order_placed, Interaction.objects.get().details) == (True, "")


def test_deleting_the_order_on_the_page_leaves_the_tick(admin_client, path):
    submit(admin_client, path, **{"order-0-DELETE": "on"})
    assert Interaction.objects.get().order_placed
    assert not OrderDetails.objects.exists()
    submit(admin_client, path, order_placed="")
    assert not Interaction.objects.get().order_placed


def test_details_written_while_the_page_was_open_are_a_conflict(admin_client, path, order, monkeypatch):
    answers = iter([False, True])  # to the form, and to the verb under its lock
    monkeypatch.setattr(Interaction, "has_order_details", lambda interaction: next(answers))
    answer = submit(admin_client, path, order_placed="")
    assert answer.status_code == 302
    assert Interaction.objects.get().order_placed


def test_a_blank_order_date_follows_the_date_of_the_interaction(admin_client, path, order):
    order.edit(order_date=MARCH)
    submit(admin_client, path, **BLANK)
    assert order_date() == JANUARY
    submit(admin_client, path, date_0="2025-02-10")
    assert order_date() == FEBRUARY


def test_other_changes_of_the_order_leave_its_date_as_it_is(admin_client, path, order):
    submit(admin_client, path, **{"order-0-quantity": "2", "date_0": "2025-02-10"})
    assert (OrderDetails.objects.get().quantity, order_date()) == (2, FEBRUARY)
    OrderDetails.objects.get().edit(order_date=MARCH)
    submit(admin_client, path, **{"order-0-quantity": "3", "date_0": "2025-01-10"})
    assert (OrderDetails.objects.get().quantity, order_date()) == (3, MARCH)


def test_an_order_date_given_on_the_page_stays(admin_client, path):
    submit(admin_client, path, **{"order-0-order_date_0": "2025-03-10"})
    submit(admin_client, path, date_0="2025-02-10")
    assert order_date() == MARCH


def test_a_blank_date_on_the_page_of_the_order_follows(admin_client, path, order):
    order.edit(order_date=MARCH)
    page = reverse("admin:track_orderdetails_change", args=[order.pk])
    assert "Left blank: it is the interaction" in text_of(admin_client.get(page))
    submit(admin_client, page, "orderdetails_form", order_date_0="", order_date_1="")
    assert (order_date(), OrderDetails.objects.get().follows_interaction_date) == (JANUARY, True)
    assert "It moves with the interaction" in text_of(admin_client.get(page))


def test_a_quantity_that_is_not_whole_says_where_the_unit_goes(admin_client, path):
    answer = send_form(admin_client, path, "interaction_form", **{"order-0-quantity": "12.4"})
    assert "Enter a whole number; put the unit into the product details." in text_of(answer)


# --- Orders without details ---------------------------------------------------------------------------


def test_an_order_without_details_counts_on_the_start_page(admin_client, lead):
    cache.clear()
    Interaction.log(lead=lead, interaction_type="ORDER")
    assert "<strong>1 order</strong></a> · 0 in a year" in text_of(admin_client.get("/admin/"))


def test_interactions_by_the_days_of_their_orders(admin_client, lead, order):
    order.edit(order_date=MARCH)
    bare = Interaction.log(lead=lead, interaction_type="ORDER", date=FEBRUARY)
    Interaction.log(lead=lead, interaction_type="CALL", date=FEBRUARY)

    def found(**query):
        return {row.pk for row in admin_client.get(INTERACTIONS, query).context["cl"].queryset}

    assert found(ordered_from="2025-02-10") == {order.interaction_id, bare.pk}
    assert found(ordered_from="2025-02-10", ordered_to="2025-02-10") == {bare.pk}
    assert found(ordered_from="2025-03-10", ordered_to="2025-03-10") == {order.interaction_id}
    assert found(ordered_to="2025-02-09") == set()


def test_the_lead_list_shows_the_last_order_by_its_own_date(admin_client, order):
    order.edit(order_date=MARCH)
    assert '<time datetime="2025-03-10">' in text_of(admin_client.get(LEADS))
