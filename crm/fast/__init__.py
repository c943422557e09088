"""Accelerators: each gives exactly what Django and DRF would give, or leaves the work to them.

`FAST=0` turns all of it off, `FAST_WITHOUT=name,name` some of it (bench/run.py --without measures one):

    reads       SQL compiled once for frequent queries (compiled.py, reads.py)
    columns     rows straight to JSON where a serializer only shows columns (columns.py)
    fields      a serializer's fields, made and bound once for its class (fields.py)
    postgresql  prepared statements, and a health check without a query (postgresql.base)

Only here are private names of other packages used: these, tried with the versions that are named. With others `is_on`
says no, and Django and DRF do it all.

    Django 5.2  ModelIterable; QuerySet.query, _iterable_class, _fetch_all, _clone, _prefetch_related_lookups,
                _result_cache; SQLCompiler.as_sql, select, klass_info, annotation_col_map, get_converters,
                apply_converters; DatabaseWrapper.get_connection_params, tzinfo_factory, is_usable
    DRF 3.18    Serializer.fields.func, and that a bound field is what is in its __dict__
"""

import django
import rest_framework
from django.conf import settings

IS_TRIED = django.VERSION[:2] == (5, 2) and rest_framework.VERSION.startswith("3.18.")


def is_on(name: str) -> bool:
    return settings.FAST and name not in settings.FAST_WITHOUT and IS_TRIED


class Planned(str):
    """SQL that a connection to PostgreSQL has planned the first time: with joins, that takes longer than running it."""
