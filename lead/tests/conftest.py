from crm.tests.server import database, kam, server  # noqa: F401 (fixtures)
