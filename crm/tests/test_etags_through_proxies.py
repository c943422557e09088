"""Tags that a proxy changed while it compressed an answer count as the ones that we gave, for every resource and verb.

nginx weakens them, Apache's mod_deflate and mod_brotli append the content coding; trials/test_gzip.py has a real one.
"""

import pytest

from crm.tests.tagged import GONE, ORDER, STALE, every_thing, every_write, everything, send
from track.models import OrderDetails

PROXIES = {
    "nginx": 'W/"{}"',
    "Apache with gzip": '"{}-gzip"',
    "Apache with brotli": '"{}-br"',
    "zstd": '"{}-zstd"',
    "deflate": '"{}-deflate"',
    "both": 'W/"{}-gzip"',
}
every_proxy = pytest.mark.parametrize("form", PROXIES.values(), ids=PROXIES)
MALFORMED = [
    '"',
    '""',
    "W/",
    'W/"',
    ",",
    ",,,",
    '"a',
    'a"',
    '"a" "b"',
    "*, *",
    '*, "a"',
    '"*"',
    "\xff\xfe",
    '"\xe9"',
    "\\",
    '"\\"',
    '"a\tb"',
    "-gzip",
    '"-gzip"',
    "x" * 8_000,
    '"' * 7_999,
    '",' * 4_000,
]


def through(form: str, tag: str) -> str:
    """The tag as a proxy hands it on."""
    return form.format(tag.strip('"'))


@every_proxy
@every_thing
def test_a_read_with_a_tag_changed_by_a_proxy_is_a_304(api, thing, form):  # noqa: F811
    tag = api.get(thing.path)["ETag"]
    answer = api.get(thing.path, headers={"If-None-Match": through(form, tag)})
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", tag)
    assert api.get(thing.path, headers={"If-None-Match": through(form, STALE)}).status_code == 200


@pytest.mark.parametrize("form", [PROXIES["nginx"], PROXIES["Apache with gzip"]], ids=["nginx", "Apache"])
@every_write
def test_a_write_with_a_tag_changed_by_a_proxy_is_done_once(api, write, form):  # noqa: F811
    row, method, path, body = write
    tag = through(form, api.get(row)["ETag"])
    assert send(api, method, path, body, If_Match=tag).status_code in (200, 204)
    assert send(api, method, path, body, If_Match=tag).status_code == (404 if method == "DELETE" else 412)


@every_write
def test_a_write_with_a_stale_tag_changed_by_a_proxy_is_a_412(api, write):  # noqa: F811
    _, method, path, body = write
    before = everything()
    answer = send(api, method, path, body, If_Match=through(PROXIES["both"], STALE))
    assert (answer.status_code, answer.json()) == (412, GONE)
    assert everything() == before


@every_proxy
def test_a_change_of_a_lead_with_a_tag_changed_by_any_proxy_is_done(api, lead, form):
    path = f"/lead/restaurants/{lead.pk}/"
    tag = through(form, api.get(path)["ETag"])
    assert api.patch(path, {"city": "Mumbai"}, headers={"If-Match": tag}).json()["city"] == "Mumbai"
    assert api.patch(path, {"city": "Nagpur"}, headers={"If-Match": tag}).status_code == 412


@every_write
def test_a_write_unless_a_tag_changed_by_a_proxy_is_a_412(api, write):  # noqa: F811
    row, method, path, body = write
    tag = api.get(row)["ETag"]
    assert send(api, method, path, body, If_None_Match=through(PROXIES["both"], tag)).status_code == 412
    assert send(api, method, path, body, If_None_Match=through(PROXIES["both"], STALE)).status_code in (200, 204)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ('"other", "{}"', 200),
        ('"{}-gzip" , W/"other"', 200),
        (', ,"other",,"{}",', 200),
        ('"with, a comma","{}"', 200),
        ('"other, ", "{}"', 200),
        ('W/"a",\tW/"{}-br"\t', 200),
        ('"a,{},b"', 412),
        ('"a, "{}", b"', 412),
        ("{}", 412),
        ('"{}', 412),
        ('{}"', 412),
        ('"{}"x', 412),
        ('x"{}"', 412),
        ('"{}" "other"', 412),
        ('w/"{}"', 412),
        ('W/ "{}"', 412),
        ('W/W/"{}"', 412),
        ('"{}-"', 412),
        ('"{}-gzip2"', 412),
        ('"{}gzip"', 412),
        ('"-gzip{}"', 412),
        ('"{} "', 412),
    ],
)
def test_a_list_of_tags_holds_if_one_member_is_the_tag(api, lead, header, status):
    path = f"/lead/restaurants/{lead.pk}/"
    header = through(header, api.get(path)["ETag"])
    assert (api.get(path, headers={"If-None-Match": header}).status_code == 304) == (status == 200)
    assert api.patch(path, {"city": "Mumbai"}, headers={"If-Match": header}).status_code == status


@pytest.mark.parametrize("header", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_header_names_no_tag(api, lead, header):
    path = f"/lead/restaurants/{lead.pk}/"
    assert api.get(path, headers={"If-None-Match": header}).status_code == 200
    assert api.patch(path, {"city": "Mumbai"}, headers={"If-Match": header}).status_code == 412
    assert api.patch(path, {"city": "Mumbai"}, headers={"If-None-Match": header}).status_code == 200


def test_tags_of_one_resource_changed_by_a_proxy_open_no_other(api, interaction):
    interaction.write_order(**ORDER)
    path = f"/track/interactions/{interaction.pk}/"
    tag = through(PROXIES["nginx"], api.get(path)["ETag"])
    assert api.patch(f"{path}order_details/", {"quantity": 1}, headers={"If-Match": tag}).status_code == 412
    assert OrderDetails.objects.get().quantity == 50
