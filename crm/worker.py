"""gunicorn's threaded worker, whose threads stay with a client that goes on asking.

gthread hands a connection back to its main thread after every answer and takes it again from there: for the shortest
requests, two switches between threads cost as much as the request itself.
"""

import select

from gunicorn.workers.gthread import ThreadWorker

PATIENCE = 10  # ms that a thread waits for the next request of its connection, when no other connection wants it


class PatientWorker(ThreadWorker):
    def handle(self, conn):
        result = super().handle(conn)
        while result is True and self.alive and self.tpool._work_queue.empty() and asks_again(conn):
            result = super().handle(conn)
        return result


def asks_again(conn) -> bool:
    """Whether the client sends its next request within PATIENCE, or has sent it already."""
    if conn.parser.unreader.buf.getvalue():
        return True
    socket = select.poll()
    socket.register(conn.sock, select.POLLIN)
    return bool(socket.poll(PATIENCE))
