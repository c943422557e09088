"""Long lists take at most half of a process's threads and release them, however they end."""

import gc

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections
from django.http import StreamingHttpResponse

from crm import env
from crm.api import streaming
from crm.api.streaming import PERMITS, TooManyLists, streamed
from crm.fast import reads
from crm.tests.support import shorten_lists
from lead.models import Restaurant

LEADS = "/lead/restaurants/"


def permits() -> int:
    return streaming._permits.qsize()


@pytest.fixture(autouse=True)
def all_come_back():
    gc.collect()
    assert permits() == PERMITS
    yield
    gc.collect()
    assert permits() == PERMITS


@pytest.fixture(autouse=True)
def connections_stay():
    """Closing a response ends a request for Django, and looks after the connections to the database."""
    request_finished.disconnect(close_old_connections)
    yield
    request_finished.connect(close_old_connections)


def test_the_permits_are_half_of_the_threads_by_default():
    assert (env.threads(), PERMITS) == (2, 1)


def test_a_list_beyond_the_permits_is_refused():
    responses = [streamed(iter([b"[", b"]"])) for _ in range(PERMITS)]
    with pytest.raises(TooManyLists):
        streamed(iter([b"[]"]))
    responses.pop().close()
    streamed(iter([b"[]"])).close()
    for response in responses:
        response.close()


def test_a_permit_is_released_after_the_whole_list():
    response = streamed(iter([b"[", b"]"]))
    assert (response["Content-Type"], response.getvalue()) == ("application/json", b"[]")
    response.close()
    response.close()
    assert permits() == PERMITS


def test_a_permit_is_released_where_nothing_was_read():
    streamed(iter([b"[]"])).close()
    assert permits() == PERMITS


def test_a_permit_is_released_and_the_generator_closed_on_disconnect():
    closed = []

    def chunks():
        try:
            yield b"["
            yield b"]"
        finally:
            closed.append(True)

    response = streamed(chunks())
    assert next(iter(response)) == b"["
    assert permits() == PERMITS - 1
    response.close()
    assert (closed, permits()) == ([True], PERMITS)


def test_a_permit_is_released_after_an_error():
    def chunks():
        yield b"["
        raise RuntimeError("half a list")

    response = streamed(chunks())
    with pytest.raises(RuntimeError):
        list(response)
    response.close()
    assert permits() == PERMITS


def test_a_permit_is_released_from_a_response_that_was_not_closed():
    streamed(iter([b"[]"]))
    gc.collect()
    assert permits() == PERMITS


@pytest.fixture
def short_pieces(monkeypatch):
    """Lists are long from 2 rows on; what is compiled knows how many are read at first."""
    shorten_lists(monkeypatch, whole=1, window=2, chunk=1)
    yield
    reads.compiled_list.cache_clear()


def test_a_list_beyond_the_permits_is_a_503_in_json_and_short_ones_go_on(short_pieces, api, lead):
    Restaurant.objects.create(name="Cafe Blau")
    held = [streamed(iter([b"[]"])) for _ in range(PERMITS)]
    answer = api.get(LEADS)
    assert (answer.status_code, answer.json(), answer["Retry-After"]) == (
        503,
        {"detail": TooManyLists.default_detail},
        "5",
    )
    assert answer["Content-Type"] == "application/json"
    assert api.get(f"{LEADS}?page_size=1").json()[0]["id"] == lead.pk
    assert api.get(f"{LEADS}{lead.pk}/").status_code == 200

    held.pop()
    gc.collect()
    answer = api.get(LEADS)
    assert isinstance(answer, StreamingHttpResponse)
    assert b'"name":"Bistro Anna"' in answer.getvalue()
