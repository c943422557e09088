"""What is written to either side of a merge while it goes on is lost nowhere, over HTTP and in several processes.

On PostgreSQL a write may be refused with 409, to be sent again: foreign keys are checked when it commits.
"""

import pytest

from crm.tests.server import at_once

pytestmark = pytest.mark.server

LEADS = "/lead/restaurants/"
ROUNDS = 15


def pair(kam) -> tuple[int, int]:
    """Two leads, both with a plan of the same frequency and the same contact."""
    ids = [kam.create(LEADS, {"name": name})["id"] for name in ("Bistro Anna", "Bistro Ana")]
    for pk in ids:
        kam.create("/call/", {"lead": pk, "frequency": "WEEKLY"})
        kam.create("/contact/contacts/", {"restaurant": pk, "name": "Asha Rao"})
    return ids[0], ids[1]


def test_no_write_to_either_side_is_lost(kam):
    for _ in range(ROUNDS):
        ours, other = pair(kam)
        requests = [
            ("POST", f"{LEADS}{ours}/merge/", {"other": other}),
            *(("POST", "/track/interactions/", {"lead": pk, "interaction_type": "VISIT"}) for pk in (ours, other) * 2),
            *(("POST", "/contact/contacts/", {"restaurant": pk, "name": f"Ben {pk}"}) for pk in (ours, other)),
            ("PATCH", f"{LEADS}{other}/", {"phone": "+91 98765 43210"}),
            ("PATCH", f"{LEADS}{ours}/", {"city": "Pune"}),
            ("POST", f"{LEADS}{other}/external_ids/", {"source": "erp", "value": f"{other}"}),
            ("POST", f"{LEADS}{other}/change_status/", {"status": "CONTACTED"}),
        ]

        statuses = at_once(len(requests), lambda i, requests=requests: kam.send(*requests[i]).status)

        merged, *interactions = statuses[:5]
        contacts, (phone, city, external_id, status) = statuses[5:7], statuses[7:]
        assert set(interactions + contacts) <= {201, 400, 409}  # the other lead exists, or does not any more
        assert {phone, external_id, status} <= {200, 201, 308, 409} and {merged, city} <= {200, 409}
        if merged == 409:
            assert kam.send(*requests[0]).status == 200
        lead = kam.get(f"{LEADS}{ours}/")
        assert (lead["city"], lead["phone"]) == (
            "Pune" if city == 200 else "",
            "+91 98765 43210" if phone == 200 else "",
        )
        assert len(kam.get(f"/track/interactions/?lead={ours}")) == interactions.count(201)
        assert len(kam.get(f"/contact/contacts/?restaurant={ours}")) == 1 + contacts.count(201)
        assert len(kam.get(f"/call/?lead={ours}")) == 1
        assert len(kam.get(f"{LEADS}{ours}/external_ids/")) == (external_id == 201)
        assert len(kam.get(f"{LEADS}{ours}/status_history/")) == (status == 200)
        kam.send("POST", f"{LEADS}{ours}/unmerge/", {"other": other})
        assert kam.get(f"{LEADS}{other}/")["lead_status"] == ("CONTACTED" if status == 200 else "NEW")
        found = [len(kam.get(f"/track/interactions/?lead={pk}")) for pk in (ours, other)]
        assert (found[0], sum(found)) == (interactions[::2].count(201), interactions.count(201))


def test_of_two_merges_of_one_pair_one_is_done(kam):
    for _ in range(ROUNDS):
        ours, other = pair(kam)
        requests = [
            ("POST", f"{LEADS}{ours}/merge/", {"other": other}),
            ("POST", f"{LEADS}{other}/merge/", {"other": ours}),
        ]
        statuses = at_once(2, lambda i, requests=requests: kam.send(*requests[i]).status)
        assert statuses.count(200) == 1
        assert set(statuses) <= {200, 308, 400, 409}
        assert sorted(kam.send("GET", f"{LEADS}{pk}/").status for pk in (ours, other)) == [200, 308]
