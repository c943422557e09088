"""To whom leads go whose owners leave: asked where users are deactivated or deleted, and where teams are deleted.

There is no default: without an answer nothing happens. The leads are handed over by their verb, in the transaction of
the departure.
"""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import UserChangeForm
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.base import Autocomplete, ConflictsMixin
from backoffice.words import counted, in_english
from crm.api.serializers import id_of
from lead.models import CHOOSE_ANOTHER, Policy, Restaurant, RestaurantQuerySet

STAY, TO_USER, UNOWNED = "stay", "user", "nobody"
ANSWERS = [
    (TO_USER, gettext_lazy("To the new owner below")),
    (UNOWNED, gettext_lazy("To nobody: they stay without an owner")),
]
OR_STAY = (STAY, gettext_lazy("They stay with their owners"))
NO_ANSWER = gettext_lazy("Choose where the leads go. Nothing was changed.")


class HeirForm(forms.Form):
    """To whom the leads go. `ask` says which these are; then it can be validated."""

    leads = forms.ChoiceField(required=False, choices=ANSWERS, widget=forms.RadioSelect, label=gettext_lazy("Leads"))
    leads_to = forms.ModelChoiceField(
        get_user_model().objects.filter(is_active=True),
        label=gettext_lazy("New owner"),
        required=False,
        widget=Autocomplete(Restaurant._meta.get_field("assigned_to"), admin.site),
    )

    rows: RestaurantQuerySet
    leaving: frozenset[int] = frozenset()  # users who cannot be the heir

    def ask(self, who: str, rows: RestaurantQuerySet, *, leaving: Iterable[int] = (), hint: str = "") -> None:
        """About the leads `rows`, which `who` owns, as in "The members own". Users who are `leaving` get none."""
        self.rows, self.leaving, self.count = rows, frozenset(leaving), rows.count()
        self.fields["leads"].label = _("%(who)s %(leads)s. To whom do they go?") % {
            "who": who,
            "leads": counted(self.count, "lead"),
        }
        self.fields["leads"].help_text = hint

    def offer(self, user: Any, *, may_hand_over: bool, may_stay: bool) -> None:
        """The answers that the user may give, with those to whom they may hand over."""
        answers: Any = self.fields["leads"]
        answers.choices = [*(ANSWERS if may_hand_over else []), *([OR_STAY] if may_stay else [])]
        if may_hand_over:
            heirs: Any = self.fields["leads_to"]
            heirs.queryset = Policy.of(user).recipients(heirs.queryset)
        else:
            del self.fields["leads_to"]

    def require_answer(self) -> None:
        """After `clean`: an error at the field that lacks its part of the answer."""
        answer, heir = self.cleaned_data.get("leads"), self.cleaned_data.get("leads_to")
        if not answer and "leads" not in self.errors:
            self.add_error("leads", NO_ANSWER)
        elif answer == TO_USER and "leads_to" not in self.errors and (heir is None or heir.pk in self.leaving):
            self.add_error("leads_to", CHOOSE_ANOTHER)

    def hand_over(self, *, by: Any, note: str) -> str:
        """Do what was answered, inside a transaction. Returns a message, empty where nothing was to be done.

        Raises IntegrityError where the new owner was deactivated since the validation.
        """
        answer = self.cleaned_data.get("leads")
        if answer not in (TO_USER, UNOWNED):
            return ""
        heir = self.cleaned_data["leads_to"] if answer == TO_USER else None
        to = heir.pk if heir else None
        owners = dict(self.rows.locked().order_by("pk").values_list("pk", "assigned_to"))
        try:
            for owner in sorted(set(owners.values()) - {to}):
                self.rows.hand_over(owner, to, by=by, note=note)
        except ValidationError as error:
            raise IntegrityError(str(error)) from error
        leads = counted(sum(owner != to for owner in owners.values()), "lead")
        text = _("Handed over to %(owner)s: %(leads)s.") if heir else _("Without an owner now: %(leads)s.")
        return text % {"owner": heir, "leads": leads}


class DeletionForm(HeirForm):
    """Beside the question whether to delete; where there are no leads, it has no fields."""

    def ask(self, *args: Any, **options: Any) -> None:
        super().ask(*args, **options)
        if not self.count:
            self.fields.clear()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.fields:
            self.require_answer()
        return data


class UserForm(HeirForm, UserChangeForm):
    """An answer is needed to untick "Active"."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owned, hint = Restaurant.objects.filter(assigned_to=self.instance.pk), _("Needed to untick “Active”.")
        self.ask(_("%(names)s owns") % {"names": self.instance}, owned, leaving=[self.instance.pk], hint=hint)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        leaves = "is_active" in self.fields and not data.get("is_active") and self.initial.get("is_active")
        if self.count and (leaves or data.get("leads")):
            self.require_answer()
        return data


class DepartureMixin(ConflictsMixin):
    """For a ModelAdmin before whose rows are deleted the question is asked."""

    delete_confirmation_template = "backoffice/departure.html"

    def departure_form(self, request: HttpRequest, rows: list[Any], data: Any) -> DeletionForm:
        raise NotImplementedError

    def departure_note(self, rows: list[Any]) -> str:
        """For the history of the leads."""
        names = ", ".join(map(str, rows))
        kind = self.opts.verbose_name if len(rows) == 1 else self.opts.verbose_name_plural
        return f"The {in_english(kind)} {names} {'was' if len(rows) == 1 else 'were'} deleted."

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        rows = list(self.get_queryset(request).prefetch_related(None).filter(pk=id_of(unquote(object_id))))
        form = self.departure_form(request, rows, request.POST if request.method == "POST" else None)
        if form.is_bound and not form.is_valid():
            request.POST = QueryDict()  # type: ignore[assignment]  # so that Django shows the page again
        return super().delete_view(request, object_id, {"form": form, **(extra_context or {})})

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.depart(request, self.departure_form(request, [obj], request.POST), [obj])
        super().delete_model(request, obj)

    def depart(self, request: HttpRequest, form: DeletionForm, rows: list[Any]) -> None:
        """Hand the leads over, before the rows are deleted, inside their transaction."""
        if not form.is_valid():
            raise IntegrityError("The answer does not hold any more.")
        if done := form.hand_over(by=request.user, note=self.departure_note(rows)):
            self.message_user(request, done)
