"""Which hooks of a view are the kit's own: where one is not, crm.fast leaves the view to DRF's way."""

SHOW: tuple[str, ...] = ("get_serializer", "array", "shown")
SHOW += ("pagination_class", "paginator", "paginate_queryset", "get_paginated_response")
FIND: tuple[str, ...] = ("get_queryset", "filter_queryset", "filter_backends", "get_object", "list_of")
FIND += ("lookup_field", "lookup_url_kwarg", "lookup_value_regex", "get_permissions", "check_object_permissions")


def definitions(view_class: type, names: tuple[str, ...]) -> list:
    """All that there is of them: what the kit calls by `super()` may be a mixin's."""
    return [vars(each)[name] for each in view_class.__mro__ for name in names if name in vars(each)]


class KnowsItsHooks:
    """For views. `kits_hooks` are the definitions as they are before anybody overrides them."""

    kits_hooks: dict[tuple[str, ...], list]

    @classmethod
    def note_hooks(cls) -> None:
        cls.kits_hooks = {names: definitions(cls, names) for names in (SHOW, FIND)}

    def has_kits_hooks(self, names: tuple[str, ...]) -> bool:
        return definitions(type(self), names) == self.kits_hooks[names] and vars(self).keys().isdisjoint(names)
