import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
django = get_wsgi_application()

from crm.middleware.body_limit import CharsetGuard, Dechunked  # noqa: E402 (the apps come first)

application = CharsetGuard(Dechunked(django))
