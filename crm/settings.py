"""Settings, read from the environment and from `.env` beside manage.py. docs/configuration.md lists every variable."""

import os
from datetime import timedelta
from pathlib import Path

from corsheaders.defaults import default_headers
from environ import Env

from crm import env
from crm.env import read
from crm.fast import IS_TRIED

BASE_DIR = Path(__file__).resolve().parent.parent
if (BASE_DIR / ".env").exists():
    Env.read_env(BASE_DIR / ".env")

# --- Security -----------------------------------------------------------------------------------

DEBUG = read("DEBUG", False, env.flag)
SECRET_KEY = read("SECRET_KEY", "", env.secret_key) or env.stored_secret_key(BASE_DIR / ".secret_key")
ALLOWED_HOSTS = read("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"], env.words)
CSRF_TRUSTED_ORIGINS: list[str] = read("CSRF_TRUSTED_ORIGINS", [], env.origins)
TRUSTED_PROXIES: list[str] = read("TRUSTED_PROXIES", [], env.networks)

HTTPS = read("HTTPS", False, env.flag)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$"]  # probes come from inside, without TLS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_AGE = 12 * 3600  # a working day
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # crm.middleware.proxies lets only trusted proxies say it
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self';"
    " frame-ancestors 'none'"
)

CORS_ALLOWED_ORIGINS: list[str] = read("CORS_ALLOWED_ORIGINS", [], env.origins)

# --- Application --------------------------------------------------------------------------------

INSTALLED_APPS = [
    "whitenoise.runserver_nostatic",  # WhiteNoise serves the admin's styles under runserver too
    "backoffice",  # before the admin, whose templates it adds to
    "backoffice.apps.BackOfficeAdminConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "django_filters",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "drf_spectacular",
    "drf_spectacular_sidecar",  # Swagger UI and ReDoc, served from here
    "crm",
    "lead",
    "contact",
    "track",
    "call",
]

MIDDLEWARE = [
    "crm.middleware.request_id.RequestIdMiddleware",
    "crm.middleware.pages_only.LocaleMiddleware",
    "crm.middleware.proxies.TrustedProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    *(["corsheaders.middleware.CorsMiddleware"] if CORS_ALLOWED_ORIGINS else []),
    "crm.middleware.append_slash.AppendSlashMiddleware",
    "crm.middleware.body_limit.BodyLimitMiddleware",
    "crm.middleware.pages_only.SessionMiddleware",
    "crm.middleware.allowed_hosts.AllowedHostsMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "crm.middleware.pages_only.AuthenticationMiddleware",
    "crm.middleware.pages_only.MessageMiddleware",
    "backoffice.middleware.ViewerMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "lead.middleware.AccessMiddleware",
]

ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"
APPEND_SLASH = False  # crm.middleware.append_slash answers in place: a redirected POST is lost
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

STATIC_URL = "/static/"
WHITENOISE_MIMETYPES = {".webmanifest": "application/manifest+json"}
WHITENOISE_USE_FINDERS = True  # no collectstatic before the first start

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGES = list(env.LANGUAGES.items())
LANGUAGE_CODE = read("LANGUAGE_CODE", "en", env.language)  # of pages for browsers that ask for no other, and of mail
LOCALE_PATHS = [BASE_DIR / "backoffice" / "locale"]  # the texts of all apps
FORMAT_MODULE_PATH = "backoffice.formats"
NUMBER_GROUPING = 3  # where no language is active, and crm.formats asks for groups
CURRENCY = read("CURRENCY", "", env.currency)  # shown beside amounts
USE_TZ = True
TIME_ZONE = read("TIME_ZONE", "UTC", env.time_zone)
PHONE_REGION = read("PHONE_REGION", "", env.region)  # of numbers without a country code, where the owner has no country

# --- Speed --------------------------------------------------------------------------------------

FAST = read("FAST", True, env.flag)  # crm.fast: off, all of it is Django's and DRF's own
FAST_WITHOUT: list[str] = read("FAST_WITHOUT", [], env.words)  # some of it off, to measure the rest

# --- Database -----------------------------------------------------------------------------------

DATABASES = {
    "default": env.with_options(
        read("DATABASE_URL", {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}, env.database),
        fast=FAST and IS_TRIED and "postgresql" not in FAST_WITHOUT,
    )
}

REDIS_URL = read("REDIS_URL", "", env.redis_url)
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
        }
    }

# --- HTTP ---------------------------------------------------------------------------------------

MAX_BODY = read("MAX_BODY", 2_621_440, env.count)  # bytes
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["crm.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["crm.api.permissions.ActiveUserMayEdit"],
    "DEFAULT_PARSER_CLASSES": [
        "crm.api.parsers.StrictJSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["crm.api.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "crm.api.renderers.JSONNegotiation",
    "DEFAULT_METADATA_CLASS": "crm.api.renderers.AllowedMethods",
    "DEFAULT_THROTTLE_CLASSES": ["crm.api.throttling.UserRate"],
    "DEFAULT_FILTER_BACKENDS": ["crm.api.filters.ListQueryBackend"],
    "DEFAULT_SCHEMA_CLASS": "crm.api.openapi.schema.AutoSchema",
    "EXCEPTION_HANDLER": "crm.api.exceptions.exception_handler",
    "URL_FORMAT_OVERRIDE": None,  # ?format= is a parameter like any other
    "COERCE_DECIMAL_TO_STRING": False,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "KAM CRM",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "DEFAULT_GENERATOR_CLASS": "crm.api.openapi.schema.Generator",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [],
    "SORT_OPERATION_PARAMETERS": False,
    "GET_LIB_DOC_EXCLUDES": "crm.api.openapi.schema.documented_elsewhere",
    "ENABLE_DJANGO_DEPLOY_CHECK": False,  # a test and `make check` do it
}

THROTTLE = read("THROTTLE", True, env.flag)
RATE_LIMIT = read("RATE_LIMIT", 1_000, env.count)  # requests a minute and user; counted in Redis

CORS_EXPOSE_HEADERS = [
    "ETag",
    "Link",
    "X-Total-Count",
    "Retry-After",
    "Idempotency-Replayed",
    "X-Request-ID",
]
CORS_ALLOW_HEADERS = [
    *default_headers,
    "idempotency-key",
    "if-match",
    "if-none-match",
    "prefer",
    "x-request-id",
]

# --- Logs ---------------------------------------------------------------------------------------

LOG_JSON = read("LOG_JSON", False, env.flag)  # errors and every request, a JSON object a line
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"slow_clients": {"()": "crm.logging.SlowClients"}},
    "formatters": {
        "text": {
            "()": "crm.logging.DiscreetFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
        "json": {"()": "crm.logging.JSONFormatter"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "json" if LOG_JSON else "text"},
        "null": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "crm.access": {"level": "INFO" if LOG_JSON else "WARNING"},
        "django": {"handlers": [], "level": "WARNING"},
        "django.request": {"level": "ERROR"},  # 4xx are the client's business, and in the access log
        "django.security": {"handlers": ["null"], "propagate": False},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},  # runserver
        "gunicorn.error": {  # of its workers
            "handlers": ["stderr"],
            "filters": ["slow_clients"],
            "level": "INFO",
            "propagate": False,
        },
    },
}

# --- Whose leads ---------------------------------------------------------------------------------

ACCESS = read("ACCESS", "all", env.access)  # lead.models.access

# --- Pipeline -----------------------------------------------------------------------------------

# Days without contact after which a lead in that status is stale; 0: never.
STALE_DAYS = {"NEW": 14, "CONTACTED": 21, "MEETING_SCHEDULED": 21, "NEGOTIATING": 30}
STALE_DAYS |= read("STALE_DAYS", STALE_DAYS, env.numbers)

# --- Call planning ------------------------------------------------------------------------------

# Interactions of these types move the lead's call plans; an empty TOUCH_TYPES turns that off.
TOUCH_TYPES = env.words(os.environ.get("TOUCH_TYPES", "CALL,VISIT,MEETING"))

globals().update(read("EMAIL_URL", env.email("consolemail://"), env.email))  # EMAIL_BACKEND, EMAIL_HOST …
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL") or "crm@localhost"

# --- Signing in ---------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["backoffice.accounts.backends.StaffBackend"]  # Django's own behind a limit
REQUIRE_SECOND_FACTOR = read("REQUIRE_SECOND_FACTOR", False, env.flag)  # in the admin
OTP_TOTP_ISSUER = "KAM CRM"  # what an authenticator app calls us

SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": read("ACCESS_TOKEN_MINUTES", timedelta(minutes=60), env.minutes),
    "REFRESH_TOKEN_LIFETIME": read("REFRESH_TOKEN_DAYS", timedelta(days=14), env.days),
    "ROTATE_REFRESH_TOKENS": read("ROTATE_REFRESH_TOKENS", False, env.flag),
    "AUTH_HEADER_TYPES": ("Bearer", "bearer"),  # a scheme's case does not matter (RFC 9110, section 11.1)
    "CHECK_REVOKE_TOKEN": True,  # tokens carry a digest of the password: a new one ends them
    "UPDATE_LAST_LOGIN": True,
    "TOKEN_OBTAIN_SERIALIZER": "crm.api.authentication.SignInSerializer",
    "TOKEN_REFRESH_SERIALIZER": "crm.api.authentication.RefreshSerializer",
    "TOKEN_VERIFY_SERIALIZER": "crm.api.authentication.VerifySerializer",
    "TOKEN_BLACKLIST_SERIALIZER": "crm.api.authentication.LogoutSerializer",
}
