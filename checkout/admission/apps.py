"""Registers the admission app."""

from django.apps import AppConfig


class AdmissionConfig(AppConfig):
    name = "checkout.admission"
    label = "admission"
    verbose_name = "Admission"
