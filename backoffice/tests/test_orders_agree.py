"""An order is one thing: whatever is done to it, over the API or in the admin, all that shows it agrees.

No import and no export has orders.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from backoffice.activity import ordered_since
from backoffice.admin.account_summary import AccountSummary
from backoffice.admin.filters import exists_for_lead
from backoffice.admin.lead import activity_of
from backoffice.dashboard.figures import Figures
from crm.tests.support import body_of, client_of, form_of
from lead.models import Restaurant
from track.models import Interaction, OrderDetails

NOW = datetime(2026, 1, 14, 9, tzinfo=UTC)  # a Wednesday
INTERACTIONS = "/track/interactions/"
DETAILS = {"product_details": "Oil", "quantity": 1}

days = st.integers(-12, 3).map(lambda day: NOW + timedelta(days=day))  # few, so that some are equal
prices = st.sampled_from([Decimal("5.00"), Decimal("12.50"), Decimal(0)])
orders = st.fixed_dictionaries({"total_price": prices}, optional={"order_date": days})
numbers = st.integers(0, 4)
order_date_fields = st.none() | st.just("") | days  # left as it is, blank, given


class ModelInteraction:
    """What ought to be of one interaction."""

    def __init__(self, lead: int, date: datetime, is_order: bool) -> None:
        self.lead, self.date, self.is_order = lead, date, is_order
        self.price: Decimal | None = None  # None: no details
        self.own_date: datetime | None = None  # of the order, where one was given

    @property
    def ordered_at(self) -> datetime:
        return self.own_date or self.date

    def write(self, order: dict) -> None:
        self.is_order, self.price, self.own_date = True, order["total_price"], order.get("order_date")

    def delete_details(self) -> None:
        self.price = self.own_date = None


def text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def as_json(order: dict) -> dict:
    return DETAILS | {name: text(value) if name == "order_date" else str(value) for name, value in order.items()}


class OrderMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.clock = time_machine.travel(NOW, tick=False)
        self.clock.start()
        user = get_user_model().objects.create_superuser("anna")
        self.viewer, self.api, self.browser = user, client_of(user), Client()
        self.browser.force_login(user)
        self.leads = [Restaurant.objects.create(name=name, assigned_to=user) for name in ("Bistro", "Cantina")]
        self.models: dict[int, ModelInteraction] = {}

    def teardown(self) -> None:
        self.clock.stop()
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    def one(self, number: int) -> tuple[int, ModelInteraction]:
        return list(self.models.items())[number % len(self.models)]

    def has_interactions(self) -> bool:
        return bool(self.models)

    # --- Over the API -------------------------------------------------------------------------

    @precondition(lambda self: len(self.models) < 5)
    @rule(
        lead=st.integers(0, 1),
        kind=st.sampled_from(["ORDER", "VISIT"]),
        date=days,
        flag=st.none() | st.booleans(),
        order=st.none() | orders,
    )
    def post(self, lead, kind, date, flag, order):
        body = {"lead": self.leads[lead].pk, "interaction_type": kind, "date": text(date)}
        body |= {} if flag is None else {"order_placed": flag}
        body |= {"order": as_json(order)} if order else {}
        answer = self.api.post(INTERACTIONS, body, format="json")
        assert answer.status_code == 201
        model = ModelInteraction(lead, date, kind == "ORDER" if flag is None else flag)
        if order:
            model.write(order)
        self.models[answer.json()["id"]] = model

    @precondition(has_interactions)
    @rule(
        number=numbers,
        method=st.sampled_from(["put", "patch"]),
        kind=st.sampled_from(["ORDER", "VISIT"]),
        date=st.none() | days,
        flag=st.none() | st.booleans(),
        order=st.none() | orders,
    )
    def edit(self, number, method, kind, date, flag, order):
        pk, model = self.one(number)
        body = {"lead": self.leads[model.lead].pk, "interaction_type": kind}
        body |= {"date": text(date)} if date else {}
        body |= {} if flag is None else {"order_placed": flag}
        body |= {"order": as_json(order)} if order else {}
        answer = getattr(self.api, method)(f"{INTERACTIONS}{pk}/", body, format="json")
        if flag is False and not order and model.price is not None:
            assert (answer.status_code, list(answer.json())) == (400, ["order_placed"])
            return
        assert answer.status_code == 200
        model.date = date or model.date
        model.is_order = model.is_order if flag is None else flag
        if order:
            model.write(order)

    @precondition(has_interactions)
    @rule(number=numbers, order=orders)
    def put_details(self, number, order):
        pk, model = self.one(number)
        answer = self.api.put(f"{INTERACTIONS}{pk}/order_details/", as_json(order), format="json")
        assert answer.status_code == (201 if model.price is None else 200)
        model.write(order)

    @precondition(has_interactions)
    @rule(number=numbers, changes=st.fixed_dictionaries({}, optional={"total_price": prices, "order_date": days}))
    def patch_details(self, number, changes):
        pk, model = self.one(number)
        body = {name: value for name, value in as_json(changes).items() if name in changes}
        answer = self.api.patch(f"{INTERACTIONS}{pk}/order_details/", body, format="json")
        assert answer.status_code == (404 if model.price is None else 200)
        if model.price is not None:
            model.price = changes.get("total_price", model.price)
            model.own_date = changes.get("order_date", model.own_date)

    @precondition(has_interactions)
    @rule(number=numbers)
    def delete_details(self, number):
        pk, model = self.one(number)
        answer = self.api.delete(f"{INTERACTIONS}{pk}/order_details/")
        assert answer.status_code == (404 if model.price is None else 204)
        model.delete_details()

    @precondition(lambda self: len(self.models) > 2)
    @rule(number=numbers)
    def delete(self, number):
        pk, _ = self.one(number)
        assert self.api.delete(f"{INTERACTIONS}{pk}/").status_code == 200
        del self.models[pk]

    # --- In the admin -------------------------------------------------------------------------

    @precondition(has_interactions)
    @rule(
        number=numbers,
        date=st.none() | days,
        flag=st.none() | st.booleans(),
        price=st.none() | prices,
        order_date=order_date_fields,
        is_deleting=st.booleans(),
    )
    def submit_interaction(self, number, date, flag, price, order_date, is_deleting):
        pk, model = self.one(number)
        had_details, shown = model.price is not None, model.ordered_at
        changes = {} if price is None else {"order-0-product_details": "Oil", "order-0-quantity": "1"}
        changes |= {} if price is None else {"order-0-total_price": str(price)}
        if order_date is not None and (had_details or price is not None):
            changes |= date_fields("order-0-order_date", order_date)
        changes |= {"order-0-DELETE": "on"} if is_deleting and had_details else {}
        changes |= date_fields("date", date) if date else {}
        changes |= {} if flag is None else {"order_placed": "on" if flag else ""}
        answer = self.submit(f"/admin/track/interaction/{pk}/change/", "interaction_form", changes)
        if flag is False and model.is_order and had_details:
            assert list(answer.context["adminform"].form.errors) == ["order_placed"]
            return
        assert answer.status_code == 302
        model.date = date or model.date
        model.is_order = model.is_order if flag is None else flag
        if is_deleting and had_details:
            model.delete_details()
        elif had_details:
            self.change_details(model, shown, price, order_date)
        elif price is not None:
            model.write({"total_price": price, "order_date": order_date or None})

    @precondition(lambda self: any(model.price is not None for model in self.models.values()))
    @rule(number=numbers, price=st.none() | prices, order_date=order_date_fields)
    def submit_details(self, number, price, order_date):
        ordered = [pk for pk, model in self.models.items() if model.price is not None]
        model = self.models[pk := ordered[number % len(ordered)]]
        changes = {} if price is None else {"total_price": str(price)}
        changes |= {} if order_date is None else date_fields("order_date", order_date)
        order = OrderDetails.objects.get(interaction=pk)
        answer = self.submit(f"/admin/track/orderdetails/{order.pk}/change/", "orderdetails_form", changes)
        assert answer.status_code == 302
        self.change_details(model, model.ordered_at, price, order_date)

    @precondition(lambda self: any(model.price is not None for model in self.models.values()))
    @rule(number=numbers)
    def delete_details_in_the_admin(self, number):
        ordered = [pk for pk, model in self.models.items() if model.price is not None]
        order = OrderDetails.objects.get(interaction=ordered[number % len(ordered)])
        answer = self.browser.post(f"/admin/track/orderdetails/{order.pk}/delete/", {"post": "yes"})
        assert answer.status_code == 302
        self.models[order.interaction_id].delete_details()

    def submit(self, path: str, form_id: str, changes: dict[str, str]):
        form = form_of(self.browser.get(path), form_id) | changes
        return self.browser.post(path, {name: value for name, value in form.items() if value != ""})

    def change_details(self, model, shown: datetime, price, order_date) -> None:
        """A field that is submitted as it was shown does not change."""
        model.price = model.price if price is None else price
        if order_date is not None and order_date != shown:
            model.own_date = order_date or None

    # --- What all show ------------------------------------------------------------------------

    @invariant()
    def the_api_agrees(self):
        shown = {row["id"]: (row["order_placed"], row["date"]) for row in body_of(self.api.get(INTERACTIONS))}
        assert shown == {pk: (model.is_order, text(model.date)) for pk, model in self.models.items()}
        listed = [row["id"] for row in body_of(self.api.get(f"{INTERACTIONS}orders/"))]
        assert listed == [pk for pk, model in self.models.items() if model.is_order]
        for pk, model in self.models.items():
            answer = self.api.get(f"{INTERACTIONS}{pk}/order_details/")
            assert answer.status_code == (404 if model.price is None else 200)
            if model.price is not None:
                assert model.is_order
                date, price = answer.json()["order_date"], Decimal(str(answer.json()["total_price"]))
                assert (date, price) == (text(model.ordered_at), model.price)

    @invariant()
    def dates_that_were_left_out_follow(self):
        follows = dict(OrderDetails.objects.values_list("interaction", "follows_interaction_date"))
        expected = {pk: model.own_date is None for pk, model in self.models.items() if model.price is not None}
        assert follows == expected

    @invariant()
    def last_orders_agree(self):
        agenda = {entry["lead"]["id"]: entry for entry in self.api.get("/call/agenda/").json()["unplanned"]}
        columns = {row["pk"]: row["ordered"] for row in activity_of([lead.pk for lead in self.leads])}
        for number, lead in enumerate(self.leads):
            happened = [(model.ordered_at, pk) for pk, model in self.placed(number).items() if model.ordered_at <= NOW]
            last = self.models[max(happened)[1]] if happened else None
            moment = last and last.ordered_at
            assert columns[lead.pk] == moment
            summary = AccountSummary(lead, self.viewer).last_order()
            assert (summary and summary.moment) == moment
            entry = agenda[lead.pk]["last_order"]
            assert (entry and entry["date"]) == (moment and text(moment))
            assert not last or entry["total_price"] == (None if last.price is None else float(last.price))

    @invariant()
    def figures_agree(self):
        cache.clear()
        weeks = {week.monday: (week.orders, week.revenue) for week in Figures.of(self.viewer).weeks() if week.orders}
        assert weeks == self.by_week()
        for number, lead in enumerate(self.leads):
            placed = [model for model in self.placed(number).values() if model.ordered_at.month in (12, 1)]
            revenue = sum((model.price or Decimal(0) for model in placed), Decimal(0))
            orders = f"{len(placed)} order{'' if len(placed) == 1 else 's'}"
            assert (
                f"{orders} worth {revenue:,.2f} in the 12 months" in AccountSummary(lead, self.viewer).orders_by_month()
            )

    @invariant()
    def filters_agree(self):
        since = NOW.replace(hour=0) - timedelta(days=5)
        found = Restaurant.objects.filter(exists_for_lead(ordered_since(5, ZoneInfo("UTC"))))
        assert {lead.pk for lead in found} == {
            lead.pk
            for number, lead in enumerate(self.leads)
            if any(since <= model.ordered_at <= NOW for model in self.placed(number).values())
        }

    def placed(self, lead: int) -> dict[int, ModelInteraction]:
        return {pk: model for pk, model in self.models.items() if model.is_order and model.lead == lead}

    def by_week(self) -> dict:
        weeks: dict = {}
        for model in (model for model in self.models.values() if model.is_order):
            day = model.ordered_at.date()
            monday = day - timedelta(days=day.weekday())
            orders, revenue = weeks.get(monday, (0, Decimal(0)))
            weeks[monday] = (orders + 1, revenue + (model.price or 0))
        return weeks


def date_fields(name: str, moment: datetime | str) -> dict[str, str]:
    """Of a form; an empty string is a blank field."""
    day, time = (f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S}") if isinstance(moment, datetime) else ("", "")
    return {f"{name}_0": day, f"{name}_1": time}


@pytest.mark.django_db
def test_whatever_is_done_to_orders_everything_that_shows_them_agrees():
    run_state_machine_as_test(
        OrderMachine,
        settings=settings(
            max_examples=10,
            stateful_step_count=15,
            derandomize=True,
            phases=[Phase.generate],  # without shrinking, which takes minutes and leaves not much less of 15 steps
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert not Interaction.objects.exists()
