"""The kinds of rows that can be imported: of each its columns, how a row is found, and the verbs that write it."""

from collections.abc import Hashable, Iterable
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from backoffice.exchange.finding import ids_of, missing, moment_of
from backoffice.exchange.sheets import Match, Sheet
from backoffice.exchange.synonyms import CONTACTS, INTERACTIONS, LEADS, ORDERS, PLANS
from backoffice.exchange.tables import Row
from call.models import CallPlan
from call.serializers import CallPlanSerializer
from contact.models import Contact, ContactExternalId
from contact.serializers import ContactSerializer
from crm.api.serializers import IdField, ModelSerializer, MoneyField, UTCDateTimeField, id_of
from crm.db.folding import fold
from crm.db.models import TimestampedModel
from crm.db.phones import MIN_DIGITS
from lead.models import ALL, ExternalId, Policy, Restaurant
from lead.serializers import RestaurantSerializer
from track.models import DATE_BOUNDS, MAX_QUANTITY, Interaction, InteractionExternalId, InteractionType, OrderDetails
from track.serializers import InteractionSerializer, QuantityField

LEAD_RULE = gettext_lazy("The lead is named by its id in {} or by its external id in lead_external_id.")


def phone_key(tail: str, *within: Any) -> Hashable | None:
    """Of the last digits of a number (crm.db.phones)."""
    return (tail, *map(str, within)) if len(tail) >= MIN_DIGITS else None


def text_key(text: str, *further: Any) -> Hashable | None:
    """Folded; None for an empty text."""
    return (fold(text.strip()), *[fold(str(each).strip()) for each in further]) if text.strip() else None


class LeadSheet(Sheet):
    """Owners are named by their usernames; a new lead that names none belongs to the importer."""

    kind = "leads"
    model = Restaurant
    serializer_class = RestaurantSerializer
    columns = list(RestaurantSerializer.Meta.fields)
    synonyms = LEADS
    lookups = {"assigned_to": "assigned_to__username"}
    unchanged_when_empty = frozenset({"lead_status", "assigned_to"})
    rules = (
        gettext_lazy("An empty cell empties the field, except status and owner, which stay as they are."),
        gettext_lazy(
            "Owners are named by their usernames. A new lead that names none is yours, and NEW if it has no status."
        ),
        gettext_lazy("created_at and updated_at are read-only and ignored."),
    )
    instead = gettext_lazy("Split it, or have it imported on the server: manage.py import_leads FILE")
    permissions = ("lead.import_restaurant", "lead.add_restaurant", "lead.change_restaurant")
    external_ids = ExternalId
    matches = {
        "phone": Match(("phone",), phone_key),
        "email": Match(("email",), text_key),
        "name_city": Match(("name", "city"), text_key),
    }

    @cached_property
    def usernames(self) -> dict[int, str]:
        return dict(get_user_model().objects.values_list("pk", "username"))

    @cached_property
    def user_ids(self) -> dict[str, int]:
        """Of the users whom the importer may name as owners."""
        if self.importer.user is None or settings.ACCESS == ALL:
            return {username: pk for pk, username in self.usernames.items()}
        recipients = Policy.of(self.importer.user).recipients(get_user_model().objects.all())
        return dict(recipients.values_list("username", "pk"))

    def new_instance(self) -> Restaurant:
        return Restaurant(created_by=self.importer.user, assigned_to=self.importer.user)

    def reference(self, column: str, text: str) -> int:
        if text not in self.user_ids:
            raise ValidationError(_("There is no user with this name."))
        return self.user_ids[text]

    def reference_text(self, column: str, pk: int) -> str:
        return self.usernames.get(pk, "")

    def check(self, instance: TimestampedModel, cells: dict[str, str]) -> tuple[dict[str, Any], list]:
        """As on the lead's page, another owner is a hand-over."""
        edits, changes = super().check(instance, cells)
        if instance.pk and "assigned_to_id" in edits and not self.importer.may_hand_over:
            raise ValidationError({"assigned_to": [_("You may not hand over leads.")]})
        return edits, changes

    def edit(self, instance: Any, edits: dict[str, Any]) -> None:
        instance.edit(by=self.importer.user, note=self.importer.note, **edits)


class ContactSheet(Sheet):
    """The lead is named by its id or external id; the name beside it is not imported."""

    kind = "contacts"
    model = Contact
    serializer_class = ContactSerializer
    columns = ["id", "restaurant", "restaurant_name", *ContactSerializer.Meta.fields[2:]]
    synonyms = CONTACTS
    lookups = {"restaurant": "restaurant_id", "restaurant_name": "restaurant__name"}
    rules = (
        *Sheet.rules,
        format_lazy(LEAD_RULE, "restaurant"),
        gettext_lazy("restaurant_name is read-only and ignored."),
    )
    permissions = ("contact.import_contact", "contact.add_contact", "contact.change_contact")
    external_ids = ContactExternalId
    lead_column = "restaurant"
    matches = {
        "phone": Match(("phone", "restaurant"), phone_key),
        "email": Match(("email", "restaurant"), text_key),
        "name": Match(("name", "restaurant"), text_key),
    }


def interaction_key(date: Any, lead: Any, interaction_type: str, details: str) -> Hashable | None:
    moment = moment_of(date)
    text = details.replace("\r\n", "\n").replace("\r", "\n").strip()
    return (moment, str(lead), interaction_type.strip(), text) if moment else None


class TouchSheet(Sheet):
    """Interactions and orders: both are rows of one table, each with the contact that it was with."""

    model = Interaction
    permissions = ("track.import_interaction", "track.add_interaction", "track.change_interaction")
    external_ids = InteractionExternalId
    lead_column = "lead"

    def load_references(self, rows: list[Row]) -> None:
        super().load_references(rows)
        ids = set(ids_of(rows, "contact"))
        self.contacts = dict(self.visible(Contact.objects.filter(pk__in=ids)).values_list("pk", "restaurant_id"))
        self.contact_survivors = self.survivors_among(Contact, ids - self.contacts.keys())

    def reference(self, column: str, text: str) -> int:
        if column != "contact":
            return super().reference(column, text)
        pk = id_of(text)
        if pk is None or pk not in self.contacts:
            raise ValidationError(missing("contact", self.contact_survivors.get(pk or 0)))
        return pk

    def check(self, instance: Any, cells: dict[str, str]) -> tuple[dict[str, Any], list]:
        edits, changes = super().check(instance, cells)
        lead, contact = (edits.get(name, getattr(instance, name)) for name in ("lead_id", "contact_id"))
        if contact and {"lead_id", "contact_id"} & edits.keys() and self.restaurant_of(contact) != lead:
            text = _("Contact %(contact)s does not belong to lead %(lead)s.") % {"contact": contact, "lead": lead}
            raise ValidationError({"contact": [text]})
        return edits, changes

    def restaurant_of(self, contact: int) -> int | None:
        if contact not in self.contacts:  # that the row has already, and the file does not name
            return Contact.objects.filter(pk=contact).values_list("restaurant", flat=True).first()
        return self.contacts[contact]

    def name_of(self, instance: Any, row: Row) -> str:
        return row.cells.get("external_id", "").strip() or str(instance)

    def create(self, instances: list[Any]) -> list[Any]:
        return [self.log(vars(instance)) for instance in instances]

    def log(self, values: dict[str, Any]) -> Interaction:
        """The verb that records one."""
        raise NotImplementedError


class InteractionSheet(TouchSheet):
    """A row that names neither id is the interaction of the same lead, date, type and details, if there is one."""

    kind = "interactions"
    serializer_class = InteractionSerializer
    columns = ["id", "lead", "contact", "interaction_type", "details", "order_placed", "date"]
    synonyms = INTERACTIONS
    unchanged_when_empty = frozenset({"interaction_type", "order_placed", "date"})
    rules = (
        gettext_lazy("An empty cell empties the field, except type, date and order_placed, which stay as they are."),
        format_lazy(LEAD_RULE, "lead"),
        gettext_lazy(
            "A row without an id and without an external id is the interaction of the same lead, date, type and "
            "details, where there is one."
        ),
    )
    always = Match(("date", "lead", "interaction_type", "details"), interaction_key)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.required.append("date")

    def candidates(self, rows: list[Row]) -> Any:
        moments = {moment for row in rows if (moment := moment_of(row.cells.get("date", "").strip()))}
        return super().candidates(rows).filter(date__in=moments)

    def check(self, instance: Any, cells: dict[str, str]) -> tuple[dict[str, Any], list]:
        """As the verb; an order has to keep its flag as long as it has details."""
        edits, changes = super().check(instance, cells)
        if instance.pk and edits.get("order_placed") is False and instance.has_order_details():
            raise ValidationError({"order_placed": [_("This interaction has order details.")]})
        return edits, changes

    def log(self, values: dict[str, Any]) -> Interaction:
        names = ["lead_id", "contact_id", "interaction_type", "details", "order_placed", "date"]
        if values["interaction_type"] == InteractionType.ORDER and not values["order_placed"]:
            names.remove("order_placed")  # left out: an ORDER has one
        return Interaction.log(
            created_by=self.importer.user, **{name: values[name] for name in names if name in values}
        )


class OrderRowSerializer(ModelSerializer):
    """An interaction of type ORDER and its details in one row."""

    lead = IdField(queryset=Restaurant.objects.all(), check=False)
    contact = IdField(queryset=Contact.objects.all(), check=False, allow_null=True, required=False)
    product_details = serializers.CharField(max_length=20_000)
    quantity = QuantityField(min_value=1, max_value=MAX_QUANTITY)
    total_price = MoneyField(max_digits=14, decimal_places=2, min_value=0)
    order_date = UTCDateTimeField(validators=DATE_BOUNDS)

    class Meta:
        model = Interaction
        fields = ["id", "lead", "contact", "order_date", "product_details", "quantity", "total_price", "details"]


ORDER_FIELDS = ["product_details", "quantity", "total_price"]


class OrderSheet(TouchSheet):
    """An order is known by its own number, the external id; without it every order would be a new one each time."""

    kind = "orders"
    serializer_class = OrderRowSerializer
    columns = list(OrderRowSerializer.Meta.fields)
    synonyms = ORDERS
    unchanged_when_empty = frozenset({"order_date"})
    rules = (
        gettext_lazy("An empty cell empties the field, except order_date, which stays as it is."),
        format_lazy(LEAD_RULE, "lead"),
        gettext_lazy("A new order needs its own number in external_id, by which it is found the next time."),
    )

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.required.append("external_id")

    @property
    def label(self) -> str:
        return _("orders")

    def load(self, rows: list[Row], *, lock: bool) -> None:
        super().load(rows, lock=lock)
        orders = OrderDetails.objects.filter(interaction__in=self.instances)
        self.orders = {order.interaction_id: order for order in orders}
        for pk, instance in self.instances.items():
            order = self.orders.get(pk)
            for name in (*ORDER_FIELDS, "order_date"):
                setattr(instance, name, getattr(order, name) if order else "" if name == "product_details" else None)

    def get_instance(self, row: Row) -> TimestampedModel:
        instance: Any = super().get_instance(row)
        if instance.pk is None and not row.cells.get("external_id", "").strip():
            raise ValidationError({"external_id": [_("A new order needs its own number here.")]})
        if instance.pk and not instance.order_placed:
            raise ValidationError({"id": [_("This interaction is no order.")]})
        return instance

    def new_instance(self) -> Interaction:
        return Interaction(created_by=self.importer.user, interaction_type=InteractionType.ORDER, order_placed=True)

    def edit(self, instance: Any, edits: dict[str, Any]) -> None:
        """The date of an order that follows its interaction's is that of both."""
        order = self.orders.get(instance.pk)
        details = {name: edits.pop(name) for name in (*ORDER_FIELDS, "order_date") if name in edits}
        if details and order is None:
            details = {name: getattr(instance, name) for name in ORDER_FIELDS} | details
        elif details and order:
            details = {name: getattr(order, name) for name in (*ORDER_FIELDS, "order_date")} | details
            if order.follows_interaction_date:
                edits["date"] = details.pop("order_date")
        instance.edit(by=self.importer.user, **edits, **({"order": details} if details else {}))

    def log(self, values: dict[str, Any]) -> Interaction:
        names = ["lead_id", "contact_id", "interaction_type", "details"]
        return Interaction.log(
            created_by=self.importer.user,
            date=values["order_date"],
            order={name: values[name] for name in ORDER_FIELDS},
            **{name: values[name] for name in names if name in values},
        )


def plan_key(frequency: str, lead: Any) -> Hashable | None:
    return (frequency.strip(), str(lead)) if frequency.strip() else None


class PlanSheet(Sheet):
    """A row without an id is the lead's plan with that frequency, if there is one."""

    kind = "plans"
    model = CallPlan
    serializer_class = CallPlanSerializer
    columns = ["id", "lead", "frequency", "next_call_date", "notes"]
    further_columns = ("last_called",)
    synonyms = PLANS
    unchanged_when_empty = frozenset({"frequency", "next_call_date"})
    rules = (
        gettext_lazy("An empty cell empties the notes; frequency and next call stay as they are."),
        format_lazy(LEAD_RULE, "lead"),
        gettext_lazy("A row without an id is the plan of the lead with the same frequency, where there is one."),
        gettext_lazy("last_called is read-only and ignored: import the calls as interactions."),
    )
    permissions = ("call.import_callplan", "call.add_callplan", "call.change_callplan")
    lead_column = "lead"
    always = Match(("frequency", "lead"), plan_key)

    def name_of(self, instance: Any, row: Row) -> str:
        return _("%(frequency)s calls") % {"frequency": instance.get_frequency_display()}

    def create(self, instances: list[Any]) -> list[Any]:
        for instance in instances:
            instance.save(force_insert=True)
        return instances


def may_import(user: Any) -> bool:
    """Whether the user may import a kind of rows at least."""
    return any(user.has_perm(sheet.permissions[0]) for sheet in SHEETS.values())


SHEETS: dict[str, type[Sheet]] = {
    sheet.kind: sheet for sheet in (LeadSheet, ContactSheet, InteractionSheet, OrderSheet, PlanSheet)
}


def permission_names(sheets: Iterable[type[Sheet]]) -> list[str]:
    """The permissions to import these kinds."""
    return [sheet.permissions[0] for sheet in sheets]
