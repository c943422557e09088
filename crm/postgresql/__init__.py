"""The PostgreSQL backend (`base`), and how SQL asks it to be planned once."""


class PlannedOnce(str):
    """SQL that a connection has the server plan the first time, and then only run (PREPARE, EXECUTE).

    For a short query with joins, planning takes several times as long as running it.
    """
