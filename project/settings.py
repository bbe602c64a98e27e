"""The one settings file: everything that differs between places comes from the environment (README, Settings)."""

from pathlib import Path

from project import env
from project.api_page import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS

BASE_DIR = Path(__file__).resolve().parent.parent

# Set by `make run`, `make shell` and the tests: stand-ins are allowed where production demands a value.
DEV = env.env_bool("OFFERKEEP_DEV", False)
DEBUG = env.env_bool("DEBUG", False)
SECURE = env.env_bool("SECURE", not DEV)

SECRET_KEY = env.env_secret("SECRET_KEY", dev="only-for-development" if DEV else None)
SECRET_KEY_FALLBACKS = env.env_list("SECRET_KEY_FALLBACKS")
DATABASE_URL = env.env_secret(
    "DATABASE_URL", dev=f"postgres://offerkeep@/offerkeep?host={BASE_DIR}/.data/postgres" if DEV else None
)
REDIS_URL = env.env_secret("REDIS_URL", dev="redis://127.0.0.1:6379/0" if DEV else None)

# --- Django ---
LOGIN_REDIRECT_URL = "admin:index"  # who opens the login itself has nowhere else to go
ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "offers.ledger",
    "offers.outbox",
    "offers",
    "loyalty",
    "checkout",
    "checkout.admission",
]

MIDDLEWARE = [
    "project.middleware.RequestLog",
    "project.middleware.FreshConnection",
    "checkout.api.common.paths.TrailingSlash",
    "project.middleware.Health",
    "project.middleware.JsonErrors",
    "project.middleware.ContentSecurity",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "checkout.api.pages.framing.FramedCookies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

# What an API call goes through (project/wsgi.py): the same, less what only pages need.
API_MIDDLEWARE = [
    "project.middleware.RequestLog",
    "project.middleware.FreshConnection",
    "checkout.api.common.paths.TrailingSlash",
    "project.middleware.JsonErrors",
    "project.middleware.KnownHost",
    "django.middleware.security.SecurityMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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

# --- database ---
_parts = env.database_from_url("DATABASE_URL", DATABASE_URL)
_limits = {
    "statement_timeout": env.env_int("DATABASE_STATEMENT_TIMEOUT_MS", 10_000),
    "idle_in_transaction_session_timeout": env.env_int("DATABASE_IDLE_TIMEOUT_MS", 60_000),
}
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        **{key: value for key, value in _parts.items() if not key.startswith("?")},
        "CONN_MAX_AGE": env.env_int("DATABASE_CONN_MAX_AGE", 600),
        # No CONN_HEALTH_CHECKS: a round trip per request. project/middleware.py looks at the socket instead.
        "OPTIONS": {
            # A network that swallows packets is noticed in seconds, not in the kernel's fifteen minutes.
            "tcp_user_timeout": 10_000,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            **{key.removeprefix("?"): value for key, value in _parts.items() if key.startswith("?")},
            "connect_timeout": env.env_int("DATABASE_CONNECT_TIMEOUT", 3, least=1),
            "application_name": "offerkeep",
            # Both together take 30 % off PostgreSQL's share of a request.
            "server_side_binding": True,
            "prepare_threshold": 2,
            # PgBouncer refuses start-up options: set both limits to 0 behind it, and on the role instead.
            "options": " ".join(f"-c {name}={value}" for name, value in _limits.items() if value),
        },
        "TEST": {"TEMPLATE": "template0"},
    }
}

# --- hosts, cookies, transport ---
env.env_secret("ALLOWED_HOSTS", dev="*" if DEV else None)
ALLOWED_HOSTS = env.env_list("ALLOWED_HOSTS", "*")
CSRF_TRUSTED_ORIGINS = env.env_list("CSRF_TRUSTED_ORIGINS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = SECURE
SECURE_HSTS_SECONDS = env.env_int("SECURE_HSTS_SECONDS", 31_536_000) if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.env_bool("SECURE_HSTS_SUBDOMAINS", False)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = env.env_int("SESSION_HOURS", 12, least=1) * 3600
if env.env_bool("BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Alpine, in which the back office's pages are written, evaluates its attributes (unsafe-eval) and sets styles.
# No inline script runs: what a customer wrote would do nothing even where escaping had failed.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: https:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024  # a CSV import of 10 MB and its form; APIs set their own, smaller

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# --- static files ---
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.env_path("STATIC_ROOT", BASE_DIR / "staticfiles")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MANIFEST_STRICT = False

# --- REST framework ---
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_SCHEMA_CLASS": "checkout.api.common.schema.ApiSchema",
    "EXCEPTION_HANDLER": "checkout.api.common.errors.handle",
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
# How often who may call (checkout/api/common/limits.py); credentials may be exempt.
RATE_LIMIT_PER_MINUTE = env.env_int("RATE_LIMIT_PER_MINUTE", 6000, least=1)
RATE_LIMIT_BROWSER = env.env_int("RATE_LIMIT_BROWSER", 5, least=1)
RATE_LIMIT_BROWSER_SECONDS = env.env_int("RATE_LIMIT_BROWSER_SECONDS", 5, least=1)
RATE_LIMIT_REDIS_TIMEOUT_MS = env.env_int("RATE_LIMIT_REDIS_TIMEOUT_MS", 50, least=1)
GUESS_LIMIT_BROWSER = env.env_int("GUESS_LIMIT_BROWSER", 30, least=1)
GUESS_LIMIT_SERVER = env.env_int("GUESS_LIMIT_SERVER", 3000, least=1)
GUESS_SECONDS = env.env_int("GUESS_SECONDS", 600, least=1)
AUTH_FAILURE_LIMIT = env.env_int("AUTH_FAILURE_LIMIT", 300, least=1)
# How many proxies of our own stand before us and add to X-Forwarded-For; 0 ignores the header.
PROXY_HOPS = env.env_int("PROXY_HOPS", 0)
# How much of an address counts as one caller.
LIMIT_PREFIX_V4 = env.env_int("LIMIT_PREFIX_V4", 32, least=8)
LIMIT_PREFIX_V6 = env.env_int("LIMIT_PREFIX_V6", 64, least=16)
API_MAX_BODY_BYTES = env.env_int("API_MAX_BODY_BYTES", 1024 * 1024, least=1024)
# --- workers ---
CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_ALWAYS_EAGER = env.env_bool("CELERY_EAGER", False)
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = 900
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True  # they come again, and every task may run twice
# A request must not wait for a broker that is away: the row is the truth, the task only a nudge.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Longer than any task may run, or it would be delivered twice over and over.
    "visibility_timeout": 3600,
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
    "socket_keepalive": True,
    # Without these four a nudge waits six seconds for an absent broker.
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}

# --- admission ---
# How often one shopper may (checkout/api/common/shopper_limits.py), a minute; 0 is as often as he likes.
LIMITS_ON_LOOPBACK = env.env_bool("LIMITS_ON_LOOPBACK", not DEV)
GUEST_LIMIT_ADDRESS = env.env_int("GUEST_LIMIT_ADDRESS", 30)
ENTRY_LIMIT_ADDRESS = env.env_int("ENTRY_LIMIT_ADDRESS", 30)
ENTRY_LIMIT_CONSUMER = env.env_int("ENTRY_LIMIT_CONSUMER", 5)
BID_LIMIT_CONSUMER = env.env_int("BID_LIMIT_CONSUMER", 30)
VALIDATE_LIMIT_TOKEN = env.env_int("VALIDATE_LIMIT_TOKEN", 30)
FLAG_ACCOUNTS_DEVICE = env.env_int("FLAG_ACCOUNTS_DEVICE", 3)
FLAG_ACCOUNTS_NETWORK = env.env_int("FLAG_ACCOUNTS_NETWORK", 20)
POLL_SPARE = env.env_int("POLL_SPARE", 3)  # polls beyond one in half of poll_after_seconds, at once
POLL_LIMIT = env.env_bool("POLL_LIMIT", True)
# A proof that a person asks, for launches that require one (checkout/admission/challenges.py).
CHALLENGE_PROVIDER = env.env_choice("CHALLENGE_PROVIDER", "none", {"none", "turnstile", "hcaptcha"})
CHALLENGE_SITE_KEY = env.env_secret("CHALLENGE_SITE_KEY", dev=None if CHALLENGE_PROVIDER != "none" else "")
CHALLENGE_SECRET = env.env_secret("CHALLENGE_SECRET", dev=None if CHALLENGE_PROVIDER != "none" else "")
CHALLENGE_VERIFY_URL = env.env_secret("CHALLENGE_VERIFY_URL", dev="")  # empty: the provider's own
CHALLENGE_TIMEOUT_MS = env.env_int("CHALLENGE_TIMEOUT_MS", 2000, least=100)
CHALLENGE_FAIL_OPEN = env.env_bool("CHALLENGE_FAIL_OPEN", False)
ADMISSION_DECLINES = env.env_int("ADMISSION_DECLINES", 5, least=1)  # declined cards after which a place is given up

# --- webhooks and what is kept ---
WEBHOOK_TIMEOUT_SECONDS = env.env_int("WEBHOOK_TIMEOUT_SECONDS", 10, least=1)
WEBHOOK_ALLOW_HTTP = env.env_bool("WEBHOOK_ALLOW_HTTP", DEV)
WEBHOOK_ALLOW_LOOPBACK = env.env_bool("WEBHOOK_ALLOW_LOOPBACK", DEV)
OUTBOX_KEEP_DAYS = env.env_int("OUTBOX_KEEP_DAYS", 30, least=7)  # deliveries are retried for two and a half days
TRACE_DAYS = env.env_int("TRACE_DAYS", 30, least=1)
# Refused codes of channels and ended authorisations; the leak report looks back a week.
SESSION_OFFER_DAYS = env.env_int("SESSION_OFFER_DAYS", 90, least=8)

# --- seeing what it does ---
METRICS_TOKEN = env.env_secret("METRICS_TOKEN", dev="")
ACCESS_LOG = env.env_bool("ACCESS_LOG", True)
LOG_FORMAT = env.env_choice("LOG_FORMAT", "json", {"json", "text"})
_level = env.env_choice("LOG_LEVEL", "INFO", {"DEBUG", "INFO", "WARNING", "ERROR"})
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"context": {"()": "project.logs.Context"}},
    "formatters": {"json": {"()": "project.logs.JsonLines"}, "text": {"()": "project.logs.TextLines"}},
    "handlers": {
        "out": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["context"],
        }
    },
    "root": {"handlers": ["out"], "level": _level},
    "loggers": {
        "django": {"level": _level, "propagate": True},
        "django.server": {"handlers": ["out"], "propagate": False},
        # Every 4xx of an API is in the access log; here it would only be said twice.
        "django.request": {"level": "ERROR"},
        # A host name that is not ours is somebody's junk, and a 400 there as well: no stack to fill the disk with.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}

# --- back office ---
UNFOLD = {
    "SITE_TITLE": "Offerkeep",
    "SITE_HEADER": "Offerkeep",
    "SITE_SUBHEADER": "Vouchers, locks and redemptions",
    "SITE_SYMBOL": "confirmation_number",
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "STYLES": ["project.admin_site.stylesheet"],
    "SCRIPTS": ["project.admin_site.script"],
    "SIDEBAR": {"show_search": False, "navigation": "project.admin_site.navigation"},
    "DASHBOARD_CALLBACK": "project.admin_site.dashboard",
    "COLORS": {
        "primary": {
            "50": "oklch(97.7% .013 236.6)",
            "100": "oklch(95.1% .026 236.8)",
            "200": "oklch(90.1% .058 230.9)",
            "300": "oklch(82.8% .111 230.3)",
            "400": "oklch(74.6% .16 232.7)",
            "500": "oklch(62% .155 240)",
            "600": "oklch(51.5% .145 246)",
            "700": "oklch(45% .13 248)",
            "800": "oklch(39.5% .105 248)",
            "900": "oklch(35% .085 248)",
            "950": "oklch(27% .065 250)",
        }
    },
}
