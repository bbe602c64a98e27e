"""Puts the apps together: settings, addresses, workers, start-up. Imports the apps; nobody imports it."""

from project.celery import app as celery_app

__all__ = ["celery_app"]
