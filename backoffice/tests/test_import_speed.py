"""How many statements a row costs: an ERP's export of some hundred orders is imported while one waits."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.tests.support import csv_file
from backoffice.tests.test_import_api import counts, send
from call.models import CallPlan
from crm.tests.support import signed_in

ORDERS = ["external_id", "lead", "order_date", "product_details", "quantity", "total_price"]
EMAILS = ["external_id", "lead", "date", "details", "type"]


@pytest.mark.parametrize(
    ("kind", "header", "cells", "statements"),
    [
        ("orders", ORDERS, ["Oil", "1", "9.50"], 3),  # whether the lead is there; the interaction; its order
        ("interactions", EMAILS, ["Sent.", "EMAIL"], 2),
    ],
)
def test_a_row_costs_few_statements(kind, header, cells, statements, admin_user, lead):
    CallPlan.objects.create(lead=lead, frequency="WEEKLY")
    client = signed_in(admin_user)

    def cost(*numbers: int) -> int:
        content = csv_file(header, *[[number, lead.pk, "2024-12-20", *cells] for number in numbers])
        with CaptureQueriesContext(
            connection,
        ) as taken:
            assert counts(send(client, content, kind)) == (len(numbers), 0, 0, 0)
        return len(taken)

    assert cost(*range(10, 30)) - cost(*range(10)) == statements * 10
