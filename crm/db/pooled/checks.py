"""System check: does DATABASE_URL have the pooler option where a pooler answers?"""

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, connections

from crm.db.pooled import remedy


@register(Tags.database)
def check_address(databases=None, **kwargs) -> list[CheckMessage]:
    """Connects to each of the databases. Unreachable ones are not reported."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        try:
            connections[alias].ensure_connection()
        except DatabaseError as error:
            if hint := remedy(error):
                found.append(Error("The database takes no direct connections.", hint, obj=alias, id="crm.E001"))
    return found
