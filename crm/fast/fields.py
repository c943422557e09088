"""A serializer's fields, made and bound once for its class: for DRF that is most of a serializer's cost."""

from copy import deepcopy
from typing import Any

from django.utils.functional import cached_property
from rest_framework import serializers
from rest_framework.utils.serializer_helpers import BindingDict

from crm.fast import is_on

# What a serializer may override and still have the fields of its class.
ITS_OWN = {"Meta", "create", "update", "validate", "to_internal_value", "_declared_fields", "_creation_counter"}
NAMES = {name for name in dir(serializers.ModelSerializer) if name[:2] != "__"} - ITS_OWN | {"__init__", "__new__"}
# Modules of fields whose `bind` reads nothing but name and source.
BINDERS = ("rest_framework.fields", "rest_framework.relations", "crm.api.serializers")


def methods_of(serializer_class: type) -> list:
    return [getattr(found := getattr(serializer_class, name, None), "__func__", found) for name in NAMES]


class BoundOnce:
    kits_methods: list
    bound_fields: dict[str, Any]

    @classmethod
    def is_plain(cls) -> bool:
        return methods_of(cls) == cls.kits_methods

    @cached_property
    def fields(self) -> BindingDict:
        if not is_on("fields") or not self.is_plain():
            return super().fields  # type: ignore[misc]
        if "bound_fields" not in vars(cls := type(self)):
            cls.bound_fields = dict(serializers.Serializer.fields.func(cls()))  # type: ignore[attr-defined]
        own = BindingDict(self)  # type: ignore[arg-type]
        for name, field in cls.bound_fields.items():
            is_parent = hasattr(field, "child") or hasattr(field, "child_relation") or hasattr(field, "fields")
            if is_parent or type(field).bind.__module__ not in BINDERS:
                own[name] = deepcopy(field)
            else:
                own.fields[name] = copy = object.__new__(type(field))
                state = {key: each.copy() if type(each) in (dict, list) else each for key, each in vars(field).items()}
                vars(copy).update(state, parent=self)
        return own
