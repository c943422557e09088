"""PostgreSQL behind PgBouncer in transaction mode: `base` is the database backend, `checks` finds a wrong address."""

REMEDY = "A pooler answers at DATABASE_URL: end the address with ?disable_server_side_cursors=true"


def remedy(error: Exception) -> str:
    """What helps where PgBouncer has refused what a direct connection starts with; else empty."""
    return REMEDY if "unsupported startup parameter" in str(error) else ""
