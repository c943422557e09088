"""Behind nginx, which compresses: its weakened tags serve conditional reads and writes."""

import gzip
from collections.abc import Iterator

import pytest

from crm.tests.server import Answer, Client, running
from trials.nginx import Nginx, in_front_of

NOTES = "Asked for the catalog. " * 60  # nginx compresses what is longer than 1,000 bytes
LIST = "/lead/restaurants/"


@pytest.fixture(scope="module")
def server(database, tmp_path_factory) -> Iterator[Nginx]:
    folder = tmp_path_factory.mktemp("gzip")
    with running(database, TRUSTED_PROXIES="127.0.0.1") as application, in_front_of(application, folder) as nginx:
        yield nginx


def rows(client: Client) -> dict[str, tuple[str, dict]]:
    """The paths of a row of each resource, and what PATCH changes of it."""
    lead = client.create(LIST, {"name": "Bistro Anna", "notes": NOTES})["id"]
    person = client.create("/contact/contacts/", {"restaurant": lead, "name": "Asha Rao"})["id"]
    order = {"lead": lead, "interaction_type": "ORDER", "order_placed": True, "details": NOTES}
    interaction = client.create("/track/interactions/", order)["id"]
    details = f"/track/interactions/{interaction}/order_details/"
    assert client.send("PUT", details, {"product_details": NOTES, "quantity": 1, "total_price": 5}).status == 201
    plan = client.create("/call/", {"lead": lead, "frequency": "DAILY"})["id"]
    return {
        "lead": (f"{LIST}{lead}/", {"city": "Pune"}),
        "contact": (f"/contact/contacts/{person}/", {"role": "Owner"}),
        "interaction": (f"/track/interactions/{interaction}/", {"interaction_type": "CALL"}),
        "order": (details, {"quantity": 2}),
        "plan": (f"/call/{plan}/", {"frequency": "WEEKLY"}),
    }


def read(client: Client, path: str, **headers: str) -> Answer:
    return client.send("GET", path, Accept_Encoding="gzip", **headers)


@pytest.mark.parametrize(
    ("kind", "is_long"),
    [("lead", True), ("contact", False), ("interaction", True), ("order", True), ("plan", False)],
)
def test_the_tag_received_allows_a_write_the_old_one_does_not(asha, kind, is_long):
    path, change = rows(asha)[kind]
    before = read(asha, path)
    assert before.status == 200
    assert before.headers["Content-Encoding"] == ("gzip" if is_long else None)
    assert before.headers["ETag"].startswith('W/"' if is_long else '"')
    assert not is_long or "Accept-Encoding" in ", ".join(before.headers.get_all("Vary"))

    tag = before.headers["ETag"]
    assert read(asha, path, If_None_Match=tag).status == 304
    assert asha.send("PATCH", path, change, If_Match=tag, Accept_Encoding="gzip").status == 200
    assert asha.send("PATCH", path, change, If_Match=tag, Accept_Encoding="gzip").status == 412
    after = read(asha, path, If_None_Match=tag)
    assert after.status == 200
    assert asha.send("PATCH", path, change, If_Match=f'"other", {after.headers["ETag"]}').status == 200


def test_the_tag_of_a_compressed_write_allows_the_next_one(asha):
    path, _ = rows(asha)["lead"]
    first = asha.send("PATCH", path, {"city": "Pune"}, Accept_Encoding="gzip")
    assert first.headers["ETag"].startswith('W/"')
    assert asha.send("PATCH", path, {"city": "Nagpur"}, If_Match=first.headers["ETag"]).status == 200
    assert asha.send("DELETE", path, If_Match=first.headers["ETag"]).status == 412
    assert asha.send("DELETE", path, If_Match=read(asha, path).headers["ETag"]).status == 204


@pytest.mark.parametrize("path", [LIST, f"{LIST}?page_size=5"])
def test_a_list_is_compressed_for_those_who_accept_it(asha, path, report):
    rows(asha)
    short, plain = read(asha, path), asha.send("GET", path)
    assert (short.headers["Content-Encoding"], plain.headers["Content-Encoding"]) == ("gzip", None)
    assert gzip.decompress(short.body) == plain.body
    report(f"{path}: {len(plain.body):,} bytes, {len(short.body):,} compressed")
