# The web process: installs what running needs (not the test tools), runs as a user without rights.
# Checked with hadolint; its steps were run by hand where no Docker engine was at hand.
FROM python:3.12-slim AS build
COPY requirements.txt /tmp/
RUN python -m venv /venv \
    && grep -vE '^(pytest|time-machine|hypothesis)' /tmp/requirements.txt > /tmp/runtime.txt \
    && /venv/bin/pip install --no-cache-dir -r /tmp/runtime.txt

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home crm && install --directory --owner crm /data
COPY --from=build /venv /venv
WORKDIR /app
COPY manage.py ./
COPY crm crm
COPY lead lead
COPY contact contact
COPY track track
COPY call call
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 PORT=8000 DEMO=0 DATABASE_URL=sqlite:////data/db.sqlite3
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["python", "-c", "\
import os, urllib.request as http; \
http.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=2)"]
# Migrates, then becomes gunicorn: SIGTERM finishes what is in flight.
CMD ["python", "manage.py", "serve"]
