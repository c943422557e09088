"""The PostgreSQL backend (`base`), and how SQL asks it to be planned once, or sent with what comes next."""


class PlannedOnce(str):
    """SQL that a connection has the server plan the first time, and then only run (PREPARE, EXECUTE).

    For a short query with joins, planning takes several times as long as running it.
    """


class SentLater(PlannedOnce):
    """SQL whose result nobody waits for: in a transaction it is sent with the next statement, or with the COMMIT."""
