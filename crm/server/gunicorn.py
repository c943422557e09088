"""Configuration of gunicorn: `gunicorn -c crm/server/gunicorn.py crm.wsgi`."""

import gc
import os
import signal
import socket
import struct
from pathlib import Path

from environ import Env

from crm import env
from crm.env import count, read

Env.read_env(Path(__file__).resolve().parents[2] / ".env")

bind = f"{read('HOST', '127.0.0.1', str)}:{read('PORT', 8000, count)}"
workers = read("WORKERS", 2, count)
threads = env.threads()
worker_class = "gthread"
limit_request_line = 8190  # bytes: the longest filters of a list, percent-encoded
keepalive = 30  # seconds an idle client's connection stays open
graceful_timeout = 30  # seconds to finish what is in flight: as long as a request may wait for a lock
forwarded_allow_ips = ""  # crm.middleware.proxies alone decides whose forwarding headers are believed
control_socket_disable = True

CLIENT_TIMEOUT = read("CLIENT_TIMEOUT", 30, count)  # seconds

# A stop signal between a worker's fork and its own handlers would be lost: it is blocked meanwhile.
STOP = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}
os.register_at_fork(after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP))


def pre_fork(server, worker):
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)


def post_fork(server, worker):
    """Set what accepted connections inherit from the sockets that listen (Linux: socket(7), tcp(7)).

    A read or a write that makes no progress for CLIENT_TIMEOUT fails, and gunicorn closes the connection
    (crm.logging.SlowClients shortens its log). A client is accepted when it has sent something: gunicorn would let
    a thread wait for the first byte.
    """
    patience = struct.pack("ll", CLIENT_TIMEOUT, 0)  # struct timeval
    for listener in worker.sockets:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
        if hasattr(socket, "TCP_DEFER_ACCEPT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, CLIENT_TIMEOUT)


def post_worker_init(worker):
    gc.freeze()  # exclude loaded modules from garbage collection
    # Ctrl-C finishes what is in flight, as SIGTERM does. gthread's own handler for it waits for a lock that the code it
    # interrupts may hold.
    for stop in STOP:
        signal.signal(stop, signal.getsignal(signal.SIGTERM))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP)
