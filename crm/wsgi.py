import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

from crm.bodies import Dechunked  # noqa: E402 (the settings come first)

application = Dechunked(get_wsgi_application())
