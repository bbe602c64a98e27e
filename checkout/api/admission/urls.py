"""Every address under /admission/v1, one list per resource."""

from checkout.api.admission import experiences, guests, queues

urlpatterns = [*guests.urlpatterns, *experiences.urlpatterns, *queues.urlpatterns]
