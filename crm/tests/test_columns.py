"""crm.fast.columns gives what the serializers give that it replaces: equal byte for byte, whole and streamed."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth import get_user_model
from rest_framework import serializers
from rest_framework.relations import PKOnlyObject
from rest_framework.renderers import JSONRenderer as DRFsRenderer
from rest_framework.test import APIRequestFactory

from call.models import CallEvent, CallPlan
from call.serializers import CallEventSerializer, CallPlanSerializer
from contact.models import Contact
from contact.serializers import ContactSerializer
from crm.api.renderers import RenderedResponse, to_json
from crm.api.serializers import ExplicitBooleanField, IdField, ModelSerializer, MoneyField, UTCDateTimeField
from crm.api.views import UserSerializer, UserViewSet
from crm.api.viewsets import ReadingViewSet
from crm.fast import reads
from crm.fast.columns import SHOWN_AS_STORED
from lead.models import LeadStatus, OwnerChange, Restaurant, StatusChange
from lead.serializers import OwnerChangeSerializer, RestaurantSerializer, StatusChangeSerializer
from track.models import Interaction, OrderDetails
from track.serializers import InteractionSerializer, OrderDetailsSerializer

MAX_ID = 2**63 - 1
TEXTS = [
    "Plain",
    "Berglunds snabbköp",
    "अनपूर्णा 食堂 \u0645\u0637\u0639\u0645",
    'a "quoted" \\ back\\slash / slash',
    "".join(map(chr, range(1, 32))) + "\x7f\x80\x9f",
    "line\u2028and\u2029paragraph",
    "\N{SLICE OF PIZZA}\N{FAMILY}\U0010ffff",
    "e\u0301 is not \u00e9, \ufeff and \u200b are there",
    "</script>&amp;'",
    " \t ",
]
INSTANTS = [
    datetime(2024, 12, 24, 15, 30, tzinfo=UTC),
    datetime(2024, 12, 24, 15, 30, 0, 1, tzinfo=UTC),
    datetime(2024, 12, 24, 15, 30, 59, 120000, tzinfo=UTC),
    datetime(2000, 1, 1, tzinfo=UTC),
    datetime(2100, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
]
FAR_INSTANTS = [*INSTANTS, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)]
LARGEST = Decimal("999999999999.99")
AMOUNTS = [*map(Decimal, ("0.00", "0", "0.10", "500.00", "5000", "12.5")), LARGEST]


@pytest.fixture(autouse=True)
def fast(settings):
    settings.FAST, settings.FAST_WITHOUT = True, []


def each(values):
    while True:
        yield from values


@pytest.fixture
def nasty(user):
    """Rows of every table that hold what is hard to write."""
    other = get_user_model().objects.create(username="other")
    money, instants = each([None, *AMOUNTS]), each(FAR_INSTANTS)
    leads = Restaurant.objects.bulk_create(
        Restaurant(
            id=MAX_ID - number,
            name=text,
            address=text,
            city="",
            phone=text[:50],
            email="kam@example.com",
            lead_status=("NEW", "LOST")[number % 2],
            potential_revenue=next(money),
            notes=text * 3,
            assigned_to=None if number % 3 else user,
            created_at=next(instants),
            updated_at=next(instants),
        )
        for number, text in enumerate(TEXTS * 2)
    )
    contacts = Contact.objects.bulk_create(Contact(restaurant_id=MAX_ID, name=text, role=text) for text in TEXTS)
    people, instants, money = each([None, *contacts]), each(INSTANTS), each(AMOUNTS)
    for model, change in [
        (StatusChange, {"old_status": "NEW", "new_status": "LOST"}),
        (OwnerChange, {"old_owner": user, "new_owner": other}),
    ]:
        model.objects.bulk_create(
            model(
                lead=leads[number],
                note=text,
                created_by=None if number % 2 else user,
                created_at=next(instants),
                **change,
            )
            for number, text in enumerate(TEXTS)
        )
    interactions = Interaction.objects.bulk_create(
        Interaction(
            id=MAX_ID - number,
            lead_id=MAX_ID,
            contact=next(people),
            interaction_type="ORDER",
            details=text,
            order_placed=bool(number % 2),
            date=next(instants),
        )
        for number, text in enumerate(["", *TEXTS])
    )
    OrderDetails.objects.bulk_create(
        OrderDetails(
            interaction=interaction,
            product_details=interaction.details,
            quantity=(1, 2**31 - 1)[number % 2],
            total_price=next(money),
            order_date=next(instants),
        )
        for number, interaction in enumerate(interactions)
    )
    called = each([None, *INSTANTS])
    plans = CallPlan.objects.bulk_create(
        CallPlan(lead_id=MAX_ID, frequency="DAILY", last_called=next(called), next_call_date=next(instants), notes=text)
        for text in ["", *TEXTS]
    )
    logged = each(interactions)
    CallEvent.objects.bulk_create(
        CallEvent(
            plan=plans[number],
            kind="RESCHEDULED",
            planned_for=next(instants),
            new_due=next(instants),
            happened_at=next(instants),
            reason=text,
            interaction=next(logged) if number % 2 else None,
            created_by=None if number % 3 else user,
        )
        for number, text in enumerate(TEXTS)
    )


def view_of(serializer_class, **attributes) -> type[ReadingViewSet]:
    """A view that shows all rows of the serializer's table to everybody."""
    usual = {"queryset": serializer_class.Meta.model.objects.all(), "serializer_class": serializer_class}
    usual |= {"authentication_classes": [], "permission_classes": [], "throttle_classes": []}
    return type("Shows", (ReadingViewSet,), {**usual, **attributes})


def ask(view_class, pk: int | None = None, query: str = ""):
    """The response as hooks get it: not rendered yet."""
    view = view_class.as_view({"get": "list" if pk is None else "retrieve"}, detail=pk is not None)
    found: list = []
    recorded = lambda read: lambda *args: found.append(read(*args)) or found[-1]  # noqa: E731
    with patch.multiple(reads, **{name: recorded(getattr(reads, name)) for name in ("retrieved", "listed", "list_of")}):
        answer = view(APIRequestFactory().get(f"/{query}"), **({} if pk is None else {"pk": str(pk)}))
    answer.is_of_columns = any(found)
    return answer


def is_taken(answer) -> bool:
    """Whether the response was made of columns; and it is sent."""
    return answer.render().status_code == 200 and answer.is_of_columns


# --- Rows -------------------------------------------------------------------------------------------------------------

SERIALIZERS = [
    *(RestaurantSerializer, StatusChangeSerializer, OwnerChangeSerializer, ContactSerializer, InteractionSerializer),
    *(OrderDetailsSerializer, CallPlanSerializer, CallEventSerializer),
]


@pytest.mark.parametrize("serializer_class", SERIALIZERS)
def test_rows_are_what_the_serializer_writes(nasty, serializer_class):
    view = view_of(serializer_class)
    assert view.queryset.count() >= len(TEXTS)

    for query, rows in [("", view.queryset.all()), ("?page=1&page_size=7", view.queryset.all()[:7])]:
        answer = ask(view, query=query)
        assert is_taken(answer)
        assert answer.content == to_json(serializer_class(rows, many=True).data)
        assert answer["Content-Type"] == "application/json"
    for instance in view.queryset.filter(pk__lt=10**18):
        answer = ask(view, instance.pk)
        assert is_taken(answer)
        assert answer.content == to_json(serializer_class(instance).data)


def test_money_and_date_times_have_the_form_of_the_contract(api, lead):
    Restaurant.objects.update(
        potential_revenue=Decimal(5000),
        created_at=datetime(2024, 12, 25, 12, tzinfo=UTC),
        updated_at=datetime(2024, 12, 25, 12, 0, 0, 50, tzinfo=UTC),
    )

    written = api.get(f"/lead/restaurants/{lead.pk}/").content

    assert b'"potential_revenue":5000.00,' in written
    assert b'"created_at":"2024-12-25T12:00:00Z","updated_at":"2024-12-25T12:00:00.000050Z"}' in written


@pytest.mark.parametrize("is_fast", [True, False])
def test_the_response_to_a_write_is_the_one_to_a_read(api, settings, is_fast):
    settings.FAST = is_fast
    body = {"name": "Anna", "potential_revenue": "5000", "lead_status": "LOST"}

    created = api.post("/lead/restaurants/", body)
    path = f"/lead/restaurants/{created.json()['id']}/"
    read = api.get(path)
    edited = api.patch(path, {"potential_revenue": 12.5})

    assert b'"potential_revenue":5000.00,' in created.content
    assert created.content == read.content
    assert b'"potential_revenue":12.50,' in edited.content
    assert edited.content == api.get(path).content


# --- Fields and serializers -------------------------------------------------------------------------------------------

FIELDS = {
    serializers.BigIntegerField: (serializers.BigIntegerField(), [0, -1, MAX_ID]),
    serializers.CharField: (serializers.CharField(), ["", *TEXTS]),
    serializers.ChoiceField: (serializers.ChoiceField([("NEW", "New"), ("LOST", "Lost")]), ["NEW", "LOST", "", "?"]),
    serializers.EmailField: (serializers.EmailField(), ["", "kam@example.com", "no address", *TEXTS]),
    serializers.IntegerField: (serializers.IntegerField(), [0, -1, 1, 2**31 - 1]),
    serializers.PrimaryKeyRelatedField: (serializers.PrimaryKeyRelatedField(read_only=True), [1, MAX_ID]),
    ExplicitBooleanField: (ExplicitBooleanField(), [True, False]),
    UTCDateTimeField: (UTCDateTimeField(), FAR_INSTANTS),
    MoneyField: (MoneyField(max_digits=14, decimal_places=2), [Decimal("0.00"), Decimal("0.10"), LARGEST]),
    IdField: (IdField(read_only=True), [1, MAX_ID]),
}


@pytest.mark.parametrize("field_class", sorted(SHOWN_AS_STORED, key=lambda each: each.__name__))
def test_a_value_shown_as_stored_is_what_the_field_itself_shows(field_class):
    field, values = FIELDS[field_class]
    for value in values:
        shown = PKOnlyObject(value) if isinstance(field, serializers.PrimaryKeyRelatedField) else value

        assert to_json(value) == to_json(field.to_representation(shown))


class Shouted(serializers.CharField):
    def to_representation(self, value):
        return value.upper()


MORE_THAN_A_COLUMN = {
    "a method": serializers.SerializerMethodField(),
    "another table's column": serializers.CharField(source="assigned_to.username", read_only=True),
    "another table's row": serializers.StringRelatedField(source="assigned_to"),
    "a property": serializers.CharField(source="database", read_only=True),
    "money as text": serializers.CharField(source="potential_revenue", read_only=True),
    "DRF's money": serializers.DecimalField(
        source="potential_revenue", max_digits=14, decimal_places=2, read_only=True
    ),
    "DRF's date-time": serializers.DateTimeField(source="created_at", read_only=True),
    "the whole row": serializers.CharField(source="*", read_only=True),
    "many rows": serializers.PrimaryKeyRelatedField(source="contacts", many=True, read_only=True),
    "whole rows": ContactSerializer(source="contacts", many=True, read_only=True),
    "a way of its own": Shouted(source="name"),
}


class Leads(ModelSerializer):
    class Meta:
        model = Restaurant
        fields = ["id", "name"]


@pytest.mark.parametrize("name", MORE_THAN_A_COLUMN)
def test_a_field_that_shows_more_than_a_column_is_left_to_the_serializer(contact, lead, name):
    class Computed(ModelSerializer):
        extra = MORE_THAN_A_COLUMN[name]

        class Meta:
            model = Restaurant
            fields = ["id", "extra"]

        def get_extra(self, lead):
            return "computed"

    assert_left_to_the_serializer(Computed, lead)


def assert_left_to_the_serializer(serializer_class, instance) -> None:
    one = to_json(serializer_class(instance).data)
    whole = to_json(serializer_class([instance], many=True).data)
    view = view_of(serializer_class)
    for answer, content in [(ask(view), whole), (ask(view, query="?page=1"), whole), (ask(view, instance.pk), one)]:
        assert not is_taken(answer)
        assert answer.content == content


class Backwards(serializers.ListSerializer):
    def to_representation(self, rows):
        return [*super().to_representation(rows), "the end"]


@pytest.mark.parametrize(
    "own",
    [
        {"to_representation": lambda self, instance: {"name": instance.name.upper()}},
        {"__init__": lambda self, *args, **kwargs: super(Leads, self).__init__(*args, **kwargs)},
        {"get_fields": lambda self: {"name": serializers.CharField()}},
        {"_readable_fields": property(lambda self: [])},
        {"Meta": type("Meta", (Leads.Meta,), {"list_serializer_class": Backwards})},
        {"many_init": classmethod(lambda cls, *args, context=None, **kwargs: Backwards(*args, child=cls()))},
    ],
    ids=lambda own: next(iter(own)),
)
def test_a_serializer_with_overrides_shows_the_rows_itself(lead, own):
    assert is_taken(ask(view_of(Leads)))
    assert_left_to_the_serializer(type("Own", (Leads,), own), lead)


def test_a_serializer_method_that_is_patched_later_is_used(api, lead, monkeypatch):
    path = f"/lead/restaurants/{lead.pk}/"
    assert api.get(path).json()["name"] == "Bistro Anna"
    monkeypatch.setattr(RestaurantSerializer, "to_representation", lambda self, lead: {"name": lead.name.upper()})
    assert api.get(path).json() == {"name": "BISTRO ANNA"}
    assert api.get("/lead/restaurants/").json() == api.get("/lead/restaurants/?page=1").json() == [api.get(path).json()]


def test_other_renderers_or_serializers_and_fast_off_use_the_serializer(lead, settings):
    assert is_taken(ask(view_of(Leads))) and is_taken(ask(view_of(Leads), lead.pk))
    assert not is_taken(ask(view_of(Leads, renderer_classes=[DRFsRenderer])))
    assert not is_taken(ask(view_of(UserSerializer, queryset=UserViewSet.queryset)))  # its name is no column
    for settings.FAST, settings.FAST_WITHOUT in [(True, ["columns"]), (False, [])]:
        assert_left_to_the_serializer(Leads, lead)


# --- Values that code has set -----------------------------------------------------------------------------------------


class Loud(str):
    def __str__(self):
        return "LOUD"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("created_at", datetime(2024, 12, 24, 15, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))),
        ("created_at", datetime(2024, 12, 24, 15, 30, tzinfo=ZoneInfo("Asia/Kolkata"))),
        *(("potential_revenue", value) for value in (5, "12.5", Decimal(5000), Decimal("1E+3"), Decimal("0.1"))),
        *(("name", value) for value in (Loud("quiet"), LeadStatus.NEW, 5)),
        ("lead_status", LeadStatus.LOST),
        *(("id", value) for value in (True, "5")),
        ("assigned_to_id", "7"),
        ("city", "as stored"),
    ],
)
def test_a_value_set_in_code_is_shown_as_by_the_serializer(name, value):
    instance = Restaurant(**{"id": 5, "name": "Anna", "lead_status": "NEW", name: value})
    rows = [Restaurant(id=1, name="Bistro"), instance]
    expected = RestaurantSerializer(rows, many=True).data
    hooks = {"get_object": lambda view: instance, "get_queryset": lambda view: rows}
    view = view_of(RestaurantSerializer, filter_queryset=lambda view, queryset: queryset, **hooks)

    assert ask(view, 5).render().content == to_json(expected[1])
    assert ask(view).render().content == ask(view, query="?page=1").render().content == to_json(expected)


# --- Answers that hooks look at ---------------------------------------------------------------------------------------


@pytest.fixture
def answer(lead):
    Restaurant.objects.update(potential_revenue=Decimal("12.50"))
    lead.refresh_from_db()
    return ask(view_of(RestaurantSerializer), lead.pk)


def test_the_data_of_a_rendered_response_are_the_serializers(answer, lead):
    expected = RestaurantSerializer(lead).data
    assert isinstance(answer, RenderedResponse)
    assert answer.data == expected
    assert list(answer.data) == list(expected)
    assert answer.data["potential_revenue"] == Decimal("12.50")
    assert answer.render().content == to_json(expected)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


def test_data_changed_in_place_are_sent(answer, lead):
    answer.data["name"] = "Changed"
    assert answer.render().content == to_json({**RestaurantSerializer(lead).data, "name": "Changed"})


def test_replaced_data_are_sent(answer):
    answer.data = {"other": 1}
    assert answer.render().content == b'{"other":1}'
    assert answer["Content-Type"] == "application/json"
