# The web process: only what requirements.lock names, as a user without rights.
FROM python:3.12-slim AS build
COPY requirements.lock /tmp/
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r /tmp/requirements.lock

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
COPY backoffice backoffice
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
