"""How gunicorn (`gunicorn -c crm/gunicorn.py crm.wsgi`) serves: processes for the cores, threads for the waiting."""

import gc
import json
import os
import signal
from pathlib import Path

from environ import Env
from gunicorn import util

from crm.environment import count, read

Env.read_env(Path(__file__).parent.parent / ".env")

bind = f"{read('HOST', '127.0.0.1', str)}:{read('PORT', 8000, count)}"
workers = read("WORKERS", 2, count)
threads = read("THREADS", 2, count)
worker_class = "crm.worker.LeadingWorker"
limit_request_line = 8190  # bytes: the longest filters of a list, percent-encoded
keepalive = 30  # seconds an idle client's connection is kept
graceful_timeout = 30  # seconds to finish what is in flight: as long as a request may wait for a lock
forwarded_allow_ips = ""  # crm.proxies alone decides whose forwarding headers are believed
control_socket_disable = True


def write_error(sock, status, reason, message):
    """What gunicorn refuses by itself (a request line that is too long, broken chunks) is JSON like all errors."""
    body = json.dumps({"detail": f"{reason}."})
    head = f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    util.write_nonblock(sock, f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode("latin1"))


util.write_error = write_error

# Between its fork and its own handlers a worker would swallow a signal to stop, and be waited for in vain: the signal
# is held back meanwhile.
STOP = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}
os.register_at_fork(after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP))


def pre_fork(server, worker):
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)


def post_worker_init(worker):
    gc.freeze()  # what is loaded by now stays: collections need not look at it again
    # Ctrl-C finishes what is in flight too. gthread's own handler for it waits for a lock that the code it interrupts
    # may hold, and the master kills the worker after graceful_timeout.
    for stop in STOP:
        signal.signal(stop, worker.handle_exit)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP)
