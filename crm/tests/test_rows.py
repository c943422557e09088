"""crm.rows against the serializers in whose place it stands: equal byte for byte, whole and streamed."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from rest_framework import serializers
from rest_framework.relations import PKOnlyObject

from call.models import CallEvent, CallPlan
from call.serializers import CallEventSerializer, CallPlanSerializer
from contact.models import Contact
from contact.serializers import ContactSerializer
from crm import prepared, rows
from crm.rendering import to_json
from crm.serializers import GivenBooleanField, InstantField, ModelSerializer, MoneyField, ReferenceField
from crm.views import UserSerializer, UserViewSet
from crm.viewsets import ReadingViewSet
from lead.models import Restaurant, StatusChange
from lead.serializers import RestaurantSerializer, StatusChangeSerializer
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
AMOUNTS = [Decimal(text) for text in ("0.00", "0", "0.10", "500.00", "5000", "12.5")] + [LARGEST]


def each(values):
    """Ever again from the start."""
    while True:
        yield from values


@pytest.fixture
def nasty(user):
    """Rows of every table that hold what is hard to write."""
    users = get_user_model()
    users.objects.bulk_create(
        users(username=f"user {text[:20]}", first_name=first, last_name=last, is_active=bool(number % 2))
        for number, (text, first, last) in enumerate(zip(TEXTS, ["", *TEXTS], ["", "", *TEXTS], strict=False))
    )
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
    StatusChange.objects.bulk_create(
        StatusChange(
            lead=leads[number],
            old_status="NEW",
            new_status="LOST",
            note=text,
            created_by=None if number % 2 else user,
            created_at=next(instants),
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
            planned=next(instants),
            due=next(instants),
            happened_at=next(instants),
            reason=text,
            interaction=next(logged) if number % 2 else None,
            created_by=None if number % 3 else user,
        )
        for number, text in enumerate(TEXTS)
    )


RESOURCES = [
    (RestaurantSerializer, Restaurant.objects),
    (StatusChangeSerializer, StatusChange.objects),
    (ContactSerializer, Contact.objects),
    (InteractionSerializer, Interaction.objects),
    (OrderDetailsSerializer, OrderDetails.objects),
    (CallPlanSerializer, CallPlan.objects),
    (CallEventSerializer, CallEvent.objects),
    (UserSerializer, UserViewSet.queryset),
]


@pytest.mark.parametrize(("serializer_class", "objects"), RESOURCES, ids=lambda value: getattr(value, "__name__", ""))
def test_rows_are_what_the_serializer_writes(nasty, serializer_class, objects):
    queryset = objects.order_by("pk")
    assert queryset.count() >= len(TEXTS)

    found = list(rows.tuples(queryset, serializer_class))

    assert rows.rows_to_json(found, serializer_class) == to_json(serializer_class(queryset, many=True).data)
    for row, instance in zip(found, queryset, strict=True):
        written = to_json(serializer_class(instance).data)
        assert rows.row_to_json(row, serializer_class) == written
        assert rows.instance_to_json(instance, serializer_class) == written


def test_money_and_date_times_have_the_form_of_the_contract(lead):
    Restaurant.objects.update(
        potential_revenue=Decimal(5000),
        created_at=datetime(2024, 12, 25, 12, tzinfo=UTC),
        updated_at=datetime(2024, 12, 25, 12, 0, 0, 50, tzinfo=UTC),
    )

    [row] = rows.tuples(Restaurant.objects.all(), RestaurantSerializer)
    written = rows.row_to_json(row, RestaurantSerializer)

    assert b'"potential_revenue":5000.00,' in written
    assert b'"created_at":"2024-12-25T12:00:00Z","updated_at":"2024-12-25T12:00:00.000050Z"}' in written


def test_a_row_that_has_just_been_written_has_it_too(api):
    body = {"name": "Anna", "potential_revenue": "5000", "lead_status": "LOST"}

    created = api.post("/lead/restaurants/", body)
    path = f"/lead/restaurants/{created.json()['id']}/"
    edited = api.patch(path, {"potential_revenue": 12.5})

    assert b'"potential_revenue":5000.00,' in created.content
    assert b'"potential_revenue":12.50,' in edited.content
    assert edited.content == api.get(path).content


# --- Field types ---------------------------------------------------------------------------------------------------

FIELDS = {
    serializers.BigIntegerField: (serializers.BigIntegerField(), [0, -1, MAX_ID]),
    serializers.BooleanField: (serializers.BooleanField(), [True, False]),
    serializers.CharField: (serializers.CharField(), ["", *TEXTS]),
    serializers.ChoiceField: (serializers.ChoiceField([("NEW", "New"), ("LOST", "Lost")]), ["NEW", "LOST", "", "?"]),
    serializers.EmailField: (serializers.EmailField(), ["", "kam@example.com", "no address", *TEXTS]),
    serializers.IntegerField: (serializers.IntegerField(), [0, -1, 1, 2**31 - 1]),
    serializers.PrimaryKeyRelatedField: (serializers.PrimaryKeyRelatedField(read_only=True), [1, MAX_ID]),
    GivenBooleanField: (GivenBooleanField(), [True, False]),
    InstantField: (InstantField(), FAR_INSTANTS),
    MoneyField: (MoneyField(max_digits=14, decimal_places=2), [Decimal("0.00"), Decimal("0.10"), LARGEST]),
    ReferenceField: (ReferenceField(read_only=True), [1, MAX_ID]),
}


@pytest.mark.parametrize("field_class", sorted(rows.SHOWN_AS_STORED, key=lambda each: each.__name__))
def test_a_field_that_is_written_as_stored_is_what_the_field_itself_writes(field_class):
    field, values = FIELDS[field_class]
    for value in values:
        shown = PKOnlyObject(value) if isinstance(field, serializers.PrimaryKeyRelatedField) else value

        assert to_json(value) == to_json(field.to_representation(shown))


class Shouted(serializers.CharField):
    def to_representation(self, value):
        return value.upper()


@pytest.mark.parametrize(
    "field",
    [
        serializers.SerializerMethodField(),
        serializers.CharField(source="assigned_to.username", read_only=True),
        serializers.DecimalField(max_digits=14, decimal_places=2, read_only=True),
        serializers.DateTimeField(read_only=True),
        ContactSerializer(read_only=True),
        ContactSerializer(many=True, read_only=True),
        Shouted(),
    ],
    ids=lambda field: type(field).__name__,
)
def test_a_field_that_shows_more_than_a_column_is_refused(field):
    class Computed(ModelSerializer):
        extra = field

        class Meta:
            model = Restaurant
            fields = ["id", "extra"]

        def get_extra(self, lead):
            return "computed"

    with pytest.raises(TypeError, match="Computed.extra shows more than a column"):
        rows.columns(Computed)


# --- Long lists ----------------------------------------------------------------------------------------------------


def make_leads(number: int) -> None:
    Restaurant.objects.bulk_create(Restaurant(name=f"Lead {i}", notes=TEXTS[i % len(TEXTS)]) for i in range(number))


@pytest.mark.parametrize("number", [0, 1, 3, 4, 5, 8, 9])
def test_a_stream_is_the_whole_list_whatever_its_chunks(monkeypatch, db, number):
    monkeypatch.setattr(rows, "CHUNK", 4)
    make_leads(number)
    queryset = Restaurant.objects.order_by("id")

    chunks = list(rows._stream(rows.tuples(queryset, RestaurantSerializer), RestaurantSerializer))

    assert b"".join(chunks) == to_json(RestaurantSerializer(queryset, many=True).data)
    assert len(chunks) == -(-number // 4) + 1  # the last one closes the array


@pytest.fixture
def short_pieces(monkeypatch):
    """Lists are long from 7 rows on; what is compiled knows that number."""
    monkeypatch.setattr(rows, "WHOLE", 6)
    monkeypatch.setattr(rows, "CHUNK", 4)
    monkeypatch.setattr(prepared, "CHUNK", 4)
    ReadingViewSet.list_asked.cache_clear()
    yield
    ReadingViewSet.list_asked.cache_clear()


@pytest.mark.parametrize(("number", "is_streamed"), [(0, False), (6, False), (7, True)])
def test_only_a_list_beyond_whole_is_streamed_and_both_are_equal(short_pieces, api, number, is_streamed):
    make_leads(number)

    answer = api.get("/lead/restaurants/")

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert answer.streaming == is_streamed
    written = b"".join(answer.streaming_content) if is_streamed else answer.content
    assert written == to_json(RestaurantSerializer(Restaurant.objects.all(), many=True).data)


def test_an_error_on_the_way_leaves_an_array_that_is_not_closed(db):
    make_leads(3)
    found = iter(rows.tuples(Restaurant.objects.order_by("id"), RestaurantSerializer))

    class Breaking:
        def iterator(self, chunk_size):
            yield from [next(found)] * chunk_size
            raise OSError("the database went away")

    stream = rows._stream(Breaking(), RestaurantSerializer)

    assert next(stream).startswith(b'[{"id"')
    with pytest.raises(OSError, match="went away"):
        next(stream)


def test_the_server_gets_all_headers_of_an_answer(api, lead):
    response = api.get(f"/lead/restaurants/{lead.pk}/", headers={"X-Request-ID": "mine"})
    assert list(response.items()) == list(response.headers.items())
    assert {("Content-Type", "application/json"), ("X-Request-ID", "mine")} <= set(response.items())
