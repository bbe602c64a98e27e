"""What all dialects share: strict JSON, credentials, errors, view bases, lists."""

from django.urls import register_converter

from checkout.api.common.paths import Code

# Here, so that a list of routes may name it as soon as it has imported any view base.
register_converter(Code, "code")
