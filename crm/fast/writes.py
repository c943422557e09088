"""One row's INSERT or UPDATE, whose SQL is made once for each set of columns."""

from functools import lru_cache

from django.db import DEFAULT_DB_ALIAS, connections, models

from crm.fast import Planned, is_on


class FastWrites:
    """For models: what `save()` does last, its statement. Signals, routers and `using` have had their say by then."""

    def _do_insert(self, manager, using, fields, returning_fields, raw, *more):
        meta = manager.model._meta
        ours = type(manager) is models.Manager and not raw and not more and returning_fields == [meta.auto_field]
        values = [field.pre_save(self, True) for field in fields] if ours and is_on("writes") else []
        if not values or not is_plain(using, values):
            return super()._do_insert(manager, using, fields, returning_fields, raw, *more)
        with connections[using].cursor() as cursor:
            given = [field.get_db_prep_save(value, cursor.db) for field, value in zip(fields, values, strict=True)]
            cursor.execute(sql_of(meta, tuple(field.column for field in fields), True), given)
            return cursor.fetchall()

    def _do_update(self, base_qs, using, pk_val, values, *more):
        meta = base_qs.model._meta
        ours = type(base_qs) is models.QuerySet and not base_qs.query.where and values and not meta.select_on_save
        if not ours or not is_plain(using, [value for _, _, value in values]):
            return super()._do_update(base_qs, using, pk_val, values, *more)
        with connections[using].cursor() as cursor:
            changes = [*((field, value) for field, _, value in values), (meta.pk, pk_val)]
            given = [field.get_db_prep_save(value, cursor.db) for field, value in changes]
            cursor.execute(sql_of(meta, tuple(field.column for field, _, _ in values), False), given)
            return cursor.rowcount > 0


def is_plain(using: str, values: list) -> bool:
    own = any(hasattr(value, "resolve_expression") or hasattr(value, "prepare_database_save") for value in values)
    return is_on("writes") and using == DEFAULT_DB_ALIAS and not own


@lru_cache(maxsize=1_000)
def sql_of(meta, columns: tuple[str, ...], is_new: bool) -> Planned:
    table, key, names, places = meta.db_table, meta.pk.column, '", "'.join(columns), ", ".join(["%s"] * len(columns))
    if is_new:
        return Planned(f'INSERT INTO "{table}" ("{names}") VALUES ({places}) RETURNING "{key}"')
    changes = ", ".join(f'"{column}" = %s' for column in columns)
    return Planned(f'UPDATE "{table}" SET {changes} WHERE "{key}" = %s')
