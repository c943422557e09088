"""gunicorn's threaded worker, whose threads stay with a client that goes on asking.

gthread hands a connection back to its main thread after every answer and takes it again from there: for the shortest
requests, two switches between threads cost as much as the request itself.
"""

import select

from gunicorn.workers.gthread import _DEFER, ThreadWorker

PATIENCE = 10  # ms that a thread waits for the next request of its connection, while no other connection wants it
FIRST = 0.02  # seconds that it waits for the first one: browsers open connections that they may not need


class PatientWorker(ThreadWorker):
    def handle(self, conn):
        if not conn.initialized and not conn.wait_for_data(FIRST):
            return _DEFER  # to the main thread, which waits for many; gthread itself would keep this one for 5 s
        result = super().handle(conn)
        while result is True and self.alive and self.asks_again(conn):
            result = super().handle(conn)
        return result

    def _cap_keepalive(self, deadline):
        """A stopping worker waits for clients that have not asked yet no longer than for those that have."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)

    def asks_again(self, conn) -> bool:
        """Whether the client sends its next request within PATIENCE, or has sent it already, and nobody else waits."""
        socket = select.poll()
        socket.register(conn.sock, select.POLLIN)
        for _ in range(PATIENCE):
            if not self.tpool._work_queue.empty():
                return False
            if conn.parser.unreader.buf.getvalue() or socket.poll(1):
                return True
        return False
