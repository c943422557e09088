"""gunicorn's threaded worker, whose threads take the lead by turns.

gthread's main thread waits for requests and hands each one to a thread, which hands the connection back: for the
shortest requests, those switches between threads cost as much as the request itself. Here the main thread hands over
the waiting as well: a thread leads, which serves what it finds itself, one request after the other. Where one takes
long, the main thread takes the lead back, and another thread goes on.
"""

import time
from concurrent.futures import Future
from threading import Event, Lock

from gunicorn.workers.gthread import _DEFER, ThreadWorker

LONG = 0.005  # seconds, after which a request no longer keeps others waiting
IDLE = 0.01  # seconds without a request, after which a thread gives the lead back
TURN = 1  # second, after which it does so in any case: the main thread looks after idle connections


class Lead:
    """The right to wait for requests. One thread has it at a time."""

    def __init__(self) -> None:
        self.ends_at = time.monotonic() + TURN
        self.is_over = Event()
        self.lock = Lock()
        self.serving_since: float | None = None

    def serve(self, handle, conn):
        """`handle(conn)`, and whether the lead is still ours after it."""
        self.serving_since = time.monotonic()
        result = handle(conn)
        with self.lock:
            self.serving_since = None
            return result, not self.is_over.is_set()

    def take_back(self) -> bool:
        """End it if its thread has been serving one request for long. Whether it did."""
        with self.lock:
            since = self.serving_since
            is_long = since is not None and time.monotonic() - since > LONG
            if is_long:
                self.is_over.set()
        return is_long


class LeadingWorker(ThreadWorker):
    def wait_for_and_dispatch_events(self, timeout):
        """In the main thread: waits for the first event and gives the lead to a thread until that gives it back."""
        if not self.poller.select(timeout):
            return
        self.lead = Lead()
        turn = self.tpool.submit(self.take_turn, self.lead)
        while not self.lead.is_over.wait(LONG):
            self.notify()
            if turn.cancel():  # no thread is free
                self.lead.is_over.set()
                return super().wait_for_and_dispatch_events(0)
            if self.lead.take_back():
                return
        turn.result()  # raises what ended it

    def take_turn(self, lead):
        """In a thread: serves what comes until nothing does, or the lead is taken back."""
        try:
            while events := self.poller.select(IDLE):
                for key, _ in events:
                    key.data(key.fileobj)
                    if lead.is_over.is_set():
                        return
                if not self.alive or time.monotonic() > lead.ends_at or self.nr_conns >= self.worker_connections:
                    return
        finally:
            lead.is_over.set()

    def enqueue_req(self, conn):
        """In the thread that leads: serves the connection. In the main thread: queues it, as gthread does.

        What a client has sent already, with the request before, is queued too: it waits for others' turns.
        """
        lead = self.lead
        if lead.is_over.is_set() or (conn.parser and conn.parser.unreader.buf.getvalue()):
            lead.ends_at = 0  # some thread has to be free for it
            return super().enqueue_req(conn)
        result, leads = lead.serve(self.handle, conn)
        done: Future = Future()
        done.set_result(result)
        if leads:
            self.finish_request(conn, done)
        else:  # whoever leads now does it
            self.method_queue.defer(self.finish_request, conn, done)

    def handle(self, conn):
        if self.alive and not conn.initialized and not conn.wait_for_data(0):
            return _DEFER  # browsers open connections that they may not need
        return super().handle(conn)

    def _cap_keepalive(self, deadline):
        """A stopping worker waits for clients that have not asked yet no longer than for those that have."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)
