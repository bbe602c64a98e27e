"""The Celery app: where tasks wait, and what the beat starts at which interval."""

import os

from celery import Celery
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

app = Celery("offerkeep")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_default_queue = "default"
app.conf.task_queues = [Queue("default")]
app.conf.beat_schedule = {}
app.autodiscover_tasks()
