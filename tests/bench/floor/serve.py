"""Configuration of gunicorn for the floor, and its WSGI application."""

import os

from django.core.wsgi import get_wsgi_application

worker_class = "gthread"
workers = 2
threads = 4
keepalive = 30

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.floor.settings"
application = get_wsgi_application()
