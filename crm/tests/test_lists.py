"""Complete lists: one piece up to a size, a stream beyond it, and the same bytes with crm.fast and without."""

import pytest

from crm.api import lists, viewsets
from crm.api.renderers import to_json
from crm.fast import reads
from crm.tests.support import shorten_lists
from lead.models import Restaurant
from lead.serializers import RestaurantSerializer
from lead.views import RestaurantViewSet

TEXTS = ["Plain", 'a "quoted" \\ back\\slash', "अनपूर्णा 食堂 \N{SLICE OF PIZZA}", "\x01\x7f\u2028 ],["]
PATHS = [
    "/lead/restaurants/",
    "/lead/restaurants/?created_after=2024-01-01&ordering=-id",
    "/lead/restaurants/?lead_status=NEW",  # whose SQL is made for each request
]


@pytest.fixture(params=[True, False], ids=["fast", "plain"])
def either_way(request, settings):
    settings.FAST, settings.FAST_WITHOUT = request.param, []
    return request.param


@pytest.fixture
def short_pieces(monkeypatch):
    """A first look takes 3 rows, and lists are long from 7 on; what is compiled knows these numbers."""
    shorten_lists(monkeypatch, whole=6, window=3, chunk=4)
    yield
    reads.compiled_list.cache_clear()


def make_leads(number: int) -> None:
    Restaurant.objects.bulk_create(Restaurant(name=f"Lead {i}", notes=TEXTS[i % len(TEXTS)]) for i in range(number))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 6, 7, 8, 9])
def test_only_a_list_beyond_whole_is_streamed_and_both_are_equal(short_pieces, either_way, api, number, path):
    make_leads(number)

    answer = api.get(path)

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert answer.streaming is (number > 6)
    written = b"".join(answer.streaming_content) if answer.streaming else answer.content
    leads = Restaurant.objects.order_by("-id" if "ordering" in path else "id")
    assert written == to_json(RestaurantSerializer(leads, many=True).data)


def test_a_stream_is_sent_in_chunks_of_so_many_rows(short_pieces, either_way, api):
    make_leads(9)
    assert [piece.count(b'"id"') for piece in api.get("/lead/restaurants/").streaming_content] == [4, 4, 1, 0]


def test_a_short_list_of_a_long_table_comes_in_one_piece(short_pieces, either_way, api):
    make_leads(9)
    last = Restaurant.objects.latest("id")
    Restaurant.objects.filter(pk=last.pk).update(created_at="2098-01-01T00:00:00Z")
    assert [row["id"] for row in api.get("/lead/restaurants/?created_after=2098-01-01").json()] == [last.pk]


@pytest.mark.parametrize("path", PATHS)
def test_a_long_list_of_a_view_with_hooks_is_made_by_its_hooks(short_pieces, either_way, api, path, monkeypatch):
    make_leads(12)
    wanted = list(Restaurant.objects.order_by("-id" if "ordering" in path else "id")[1:9])
    ids = [lead.pk for lead in wanted]
    monkeypatch.setattr(
        RestaurantViewSet, "get_queryset", lambda view: Restaurant.objects.filter(pk__in=ids), raising=False
    )

    answer = api.get(path)

    assert answer.streaming
    assert b"".join(answer.streaming_content) == to_json(RestaurantSerializer(wanted, many=True).data)


@pytest.mark.parametrize(
    ("arrays", "whole"),
    [
        ([], b"[]"),
        ([b"[]"], b"[]"),
        ([b"[]", b"[]"], b"[]"),
        ([b"[1]"], b"[1]"),
        ([b"[1,2]", b"[3]"], b"[1,2,3]"),
        ([b"[]", b"[1]", b"[]", b"[[],[2]]", b"[]"], b"[1,[],[2]]"),
    ],
)
def test_arrays_are_joined_to_one(arrays, whole):
    assert b"".join(lists.joined(arrays)) == whole


@pytest.mark.parametrize(("number", "sizes"), [(0, []), (3, [3]), (4, [4]), (5, [4, 1]), (8, [4, 4])])
def test_batches_are_full_but_for_the_last(number, sizes):
    batches = list(lists.batched(range(number), 4))
    assert [len(batch) for batch in batches] == sizes
    assert [row for batch in batches for row in batch] == list(range(number))


def test_an_error_between_chunks_leaves_the_array_unclosed():
    def breaking():
        yield b"[1,2]"
        raise OSError("the database went away")

    pieces = lists.joined(breaking())

    assert next(pieces) == b"[1,2"
    with pytest.raises(OSError, match="went away"):
        next(pieces)
    assert list(pieces) == []


def test_an_error_in_the_middle_of_a_list_ends_its_stream(short_pieces, either_way, api, monkeypatch):
    make_leads(9)

    def break_off(data) -> bytes:
        if len(data) == 1:  # the last piece
            raise OSError("the database went away")
        return to_json(data)

    answer = api.get("/lead/restaurants/")
    for module in (viewsets, lists):
        monkeypatch.setattr(module, "to_json", break_off)
    pieces = iter(answer.streaming_content)
    assert [next(pieces).count(b'"id"') for _ in range(2)] == [4, 4]
    with pytest.raises(OSError, match="went away"):
        next(pieces)
    assert list(pieces) == []
