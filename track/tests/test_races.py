"""Flag and details of an order agree also after simultaneous requests, over HTTP and in several processes."""

import pytest

from crm.tests.server import at_once

pytestmark = pytest.mark.server

RICE = {"product_details": "Rice", "quantity": 1, "total_price": 5}


def test_of_a_flag_taken_back_and_details_written_at_once_only_one_holds(kam):
    lead = kam.create("/lead/restaurants/", {"name": "Bistro Anna"})["id"]
    for _ in range(40):
        body = {"lead": lead, "interaction_type": "ORDER"}
        path = f"/track/interactions/{kam.create('/track/interactions/', body)['id']}/"
        requests = [("PATCH", path, {"order_placed": False}), ("PUT", f"{path}order_details/", RICE)]

        flag, details = at_once(2, lambda i, requests=requests: kam.send(*requests[i]).status)

        assert details == 201
        assert flag in (200, 400)
        assert kam.get(path)["order_placed"] is True  # the flag was refused, or taken back before the details


def test_a_date_corrected_while_details_are_written_is_followed(kam):
    lead = kam.create("/lead/restaurants/", {"name": "Bistro Anna"})["id"]
    for _ in range(40):
        body = {"lead": lead, "interaction_type": "ORDER", "date": "2025-01-10T10:00:00Z"}
        path = f"/track/interactions/{kam.create('/track/interactions/', body)['id']}/"
        requests = [("PATCH", path, {"date": "2025-02-10T10:00:00Z"}), ("PUT", f"{path}order_details/", RICE)]

        assert at_once(2, lambda i, requests=requests: kam.send(*requests[i]).status) == [200, 201]
        assert kam.get(f"{path}order_details/")["order_date"] == "2025-02-10T10:00:00Z"
