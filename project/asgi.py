"""An ASGI entry for hosts that only speak it; half as fast as WSGI (docs/scaling.md)."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
application = get_asgi_application()
