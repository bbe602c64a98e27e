"""The one settings file: everything that differs between places comes from the environment."""

import os
from pathlib import Path

from project import env

BASE_DIR = Path(__file__).resolve().parent.parent
DEBUG = env.env_bool("DEBUG", False)
SECRET_KEY = os.environ.get("SECRET_KEY", "insecure-only-for-tools")
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "project.urls"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"

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
    "import_export",
    "offers.ledger",
    "offers",
    "checkout",
]
