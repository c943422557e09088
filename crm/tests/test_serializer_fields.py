"""Fields that are built once per serializer class are those that DRF would build, and each instance's own."""

import sys
from collections.abc import Iterator

import pytest
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.fields import Field
from rest_framework.validators import UniqueTogetherValidator

import crm.urls  # noqa: F401 (with it come all serializers)
from call.models import SentDigest
from call.serializers import SnoozeSerializer
from crm.api.serializers import ModelSerializer, Serializer
from crm.fast.fields import BoundOnce
from crm.tests.server import at_once
from lead.models import Restaurant
from lead.serializers import RestaurantSerializer


def heirs(cls: type) -> Iterator[type]:
    for heir in cls.__subclasses__():
        yield heir
        yield from heirs(heir)


OURS = [cls for cls in dict.fromkeys(heirs(BoundOnce)) if cls.__module__ not in ("crm.api.serializers", __name__)]
ALIKE = [
    *("field_name", "source", "source_attrs", "label", "help_text", "required", "read_only", "write_only", "default"),
    *("initial", "allow_null", "style", "error_messages", "default_empty_html", "allow_blank", "trim_whitespace"),
    *("min_value", "max_value", "min_length", "max_length", "max_digits", "decimal_places", "allow_empty"),
    *("check", "many", "pk_field", "format", "input_formats", "timezone", "binary"),
]


class Line(Serializer):
    quantity = serializers.IntegerField(min_value=1)
    tags = serializers.ListField(child=serializers.CharField(max_length=5))


class Basket(Serializer):
    buyer = serializers.CharField(max_length=20)
    line = Line()
    lines = Line(many=True)
    prices = serializers.DictField(child=serializers.IntegerField())


class Leads(ModelSerializer):
    class Meta:
        model = Restaurant
        fields = ["id", "name", "email", "lead_status", "potential_revenue", "assigned_to"]


@pytest.fixture(autouse=True)
def fast(settings):
    settings.FAST, settings.FAST_WITHOUT = True, []


every_serializer = pytest.mark.parametrize("cls", [*OURS, Basket], ids=lambda cls: cls.__name__)


def shape(value) -> object:
    """What a validator or queryset is, apart from its address in memory."""
    if isinstance(value, QuerySet):
        return value.model, value.query.where
    options = {name: str(stored) for name, stored in vars(value).items() if name != "_constructor_args"}
    return getattr(value, "__qualname__", type(value)), options


def shown(field: Field) -> dict:
    """All that tells the field from another."""
    options = {name: getattr(field, name) for name in ALIKE if hasattr(field, name)}
    options |= {"type": type(field), "validators": [shape(each) for each in field.validators]}
    if isinstance(field, serializers.ChoiceField):
        options["choices"] = field.choices
    if getattr(field, "queryset", None) is not None:
        options["queryset"] = shape(field.queryset)
    if hasattr(field, "child"):
        options["child"] = shown(field.child)
    if isinstance(field, serializers.Serializer):
        options["fields"] = [(name, shown(each)) for name, each in field.fields.items()]
    return options


def below(field: Field) -> Iterator[tuple[Field, Field]]:
    """Each field under this one, and whose it is."""
    children = list(field.fields.values()) if isinstance(field, serializers.Serializer) else []
    children += [getattr(field, name) for name in ("child", "child_relation") if hasattr(field, name)]
    for child in children:
        yield child, field
        yield from below(child)


def made_by_drf(cls: type) -> dict:
    return serializers.Serializer.fields.func(cls())


def test_every_serializer_of_the_project_is_tested_here():
    names = {cls.__name__ for cls in OURS}
    assert names >= {"RestaurantSerializer", "InteractionSerializer", "WorkProfileSerializer", "HandOverSerializer"}
    assert names >= {"CallPlanSerializer", "SnoozeSerializer", "UserSerializer"}


@every_serializer
def test_the_fields_are_those_of_drf(cls):
    for _ in range(2):
        assert [(name, shown(field)) for name, field in cls().fields.items()] == [
            (name, shown(field)) for name, field in made_by_drf(cls).items()
        ]


@pytest.mark.parametrize("parent", [Basket, Leads, RestaurantSerializer, SnoozeSerializer])
def test_fields_are_built_once_per_class(parent):
    cls = type("Fresh", (parent,), {})
    assert list(cls().fields) == list(parent().fields)
    made = vars(cls)["bound_fields"]
    assert list(cls().fields) == list(parent().fields)
    assert vars(cls)["bound_fields"] is made


@every_serializer
def test_each_instance_has_fields_of_its_own(cls):
    first, second = (cls(context={"who": who}) for who in ("first", "second"))
    pairs = [(list(below(one)), one) for one in (first, second)]
    pairs += [(list(below(one)), one) for one in (first, second)]
    for fields, owner in pairs:
        for field, parent in fields:
            assert (field.parent, field.root) == (parent, owner)
            assert field.context is owner._context
    assert not {id(field) for field, _ in pairs[0][0]} & {id(field) for field, _ in pairs[1][0]}
    assert [id(field) for field, _ in pairs[0][0]] == [id(field) for field, _ in pairs[2][0]]


@every_serializer
def test_fields_of_a_list_have_the_list_as_parent(cls):
    first, second = (cls(many=True, context={"who": who}) for who in ("first", "second"))
    for owner in (first, second, first):
        assert {id(field.root) for field, _ in below(owner)} == {id(owner)}
        assert {field.context["who"] for field, _ in below(owner)} == {owner.context["who"]}


@every_serializer
def test_a_change_in_one_instance_does_not_reach_another(cls):
    before = [(name, shown(field)) for name, field in made_by_drf(cls).items()]
    other, changed = cls(), cls()
    assert list(other.fields) == list(changed.fields)
    for field, _ in list(below(changed)):
        field.required, field.label, field.source_attrs = not field.required, "Changed", ["changed"]
        field.validators = []
    changed.fields["added"] = serializers.CharField()
    for name in list(changed.fields)[:2]:
        changed.fields.pop(name)
    for instance in (other, cls(), type("Heir", (cls,), {})()):
        assert [(name, shown(field)) for name, field in instance.fields.items()] == before


def test_a_subclass_has_its_own_fields_and_leaves_its_parents_unchanged():
    class Heir(Line):
        quantity = serializers.CharField()
        more = serializers.BooleanField()

    assert list(Line().fields) == ["quantity", "tags"]
    assert {name: type(field) for name, field in Heir().fields.items()} == {
        "quantity": serializers.CharField,
        "tags": serializers.ListField,
        "more": serializers.BooleanField,
    }
    assert isinstance(Line().fields["quantity"], serializers.IntegerField)


def test_nested_fields_of_interleaved_instances_have_their_own_context():
    class Mine(serializers.CharField):
        def to_internal_value(self, data):
            return f"{self.context['who']} {self.root.initial_data['name']}"

    class Inner(Serializer):
        said = Mine()

    class Outer(Serializer):
        name = serializers.CharField()
        inner = Inner()
        many = Inner(many=True)
        texts = serializers.ListField(child=Mine())

    line = {"said": "x"}
    both = [
        Outer(data={"name": name, "inner": line, "many": [line], "texts": ["x"]}, context={"who": who})
        for who, name in (("Asha", "A"), ("Ravi", "R"))
    ]
    for one in both:
        assert list(one.fields["inner"].fields) == ["said"]
    for one, said in zip(both, ("Asha A", "Ravi R"), strict=True):
        assert one.is_valid()
        assert one.validated_data["inner"] == one.validated_data["many"][0] == {"said": said}
        assert one.validated_data["texts"] == [said]


# --- Where they are not made once -------------------------------------------------------------------------------------


@pytest.mark.parametrize("off", [{"FAST": False}, {"FAST_WITHOUT": ["fields"]}])
def test_with_fast_off_the_fields_are_built_by_drf(settings, off):
    for name, value in off.items():
        setattr(settings, name, value)
    for parent in (Basket, Leads):
        cls = type("Fresh", (parent,), {})
        first, second = cls(), cls()
        assert [(name, shown(field)) for name, field in first.fields.items()] == [
            (name, shown(field)) for name, field in made_by_drf(cls).items()
        ]
        assert not {id(field) for field in first.fields.values()} & {id(field) for field in second.fields.values()}
        assert first.fields is first.fields
        first.validators.append(lambda attrs: None)
        assert cls().validators == second.validators == []
        assert "bound_fields" not in vars(cls)


def get_fields(self):
    fields = super(Leads, self).get_fields()
    return fields if self.context["sees_all"] else {"name": fields["name"]}


def init(self, *args, **kwargs):
    super(Leads, self).__init__(*args, **kwargs)
    if not self.context["sees_all"]:
        self.fields["name"].read_only = True
        for name in set(self.fields) - {"name"}:
            self.fields.pop(name)


def build_standard_field(self, *args):
    field_class, kwargs = super(Leads, self).build_standard_field(*args)
    return field_class, {**kwargs, "label": f"{self.context['sees_all']}"}


def get_field_names(self, *args):
    return Leads.Meta.fields if self.context["sees_all"] else ["name"]


@pytest.mark.parametrize(
    "own",
    [{"get_fields": get_fields}, {"__init__": init}, {"get_field_names": get_field_names}],
    ids=lambda own: next(iter(own)),
)
def test_fields_that_depend_on_the_context_are_built_per_instance(own):
    cls = type("Own", (Leads,), own)
    for sees_all in (True, False, True, False):
        for one in (cls(context={"sees_all": sees_all}), cls(many=True, context={"sees_all": sees_all}).child):
            assert list(one.fields) == (Leads.Meta.fields if sees_all else ["name"])
    assert list(Leads().fields) == Leads.Meta.fields
    assert not Leads().fields["name"].read_only


def test_fields_of_an_overridden_get_fields_are_built_per_instance():
    cls = type("Own", (Leads,), {"build_standard_field": build_standard_field})
    for sees_all in (True, False, True):
        assert cls(context={"sees_all": sees_all}).fields["name"].label == str(sees_all)
    assert Leads().fields["name"].label == "Name"


def test_a_field_changed_in_place_changes_in_its_instance_alone(db):
    changed = Leads(data={"name": "Anna"})
    name = changed.fields["name"]
    name.error_messages["blank"] = "Say something."
    name.validators.append(refuse)
    changed.fields["email"].required = True
    for one, errors in [
        (changed, {"name": ["Refused."], "email": ["This field is required."]}),
        (Leads(data={"name": "Anna"}), {}),
        (Leads(data={"name": ""}), {"name": ["This field may not be blank."]}),
    ]:
        assert one.is_valid() is (not errors)
        assert one.errors == errors


def refuse(value) -> None:
    raise serializers.ValidationError("Refused.")


def test_validators_of_a_serializer_belong_to_each_instance(db):
    class Days(ModelSerializer):
        user = serializers.PrimaryKeyRelatedField(queryset=get_user_model().objects.all())

        class Meta:
            model = SentDigest
            fields = ["user", "day"]

    first, second = Days(), Days()
    [once_a_day] = first.validators
    assert isinstance(once_a_day, UniqueTogetherValidator)
    first.validators.clear()
    assert (
        [type(each) for each in second.validators] == [type(each) for each in Days().validators] == [type(once_a_day)]
    )


# --- Threads ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def busy_threads():
    """That change places at every turn."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_concurrent_first_uses_get_complete_fields_of_their_own(busy_threads):
    for _ in range(20):
        cls = type("FreshBasket", (Basket,), {})

        def ask(number: int, cls: type = cls) -> bool:
            one = cls(context={"who": number})
            return list(one.fields) == ["buyer", "line", "lines", "prices"] and all(
                (field.parent, field.root, field.context["who"]) == (parent, one, number)
                for field, parent in below(one)
            )

        assert at_once(8, ask) == [True] * 8
