"""Staff: who may log in to the back office, and in which role."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.contrib.auth import password_validation
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from checkout import roles, staff
from offers.admin import fields, show
from offers.admin.office import (
    OfficeAdmin,
    OfficeForm,
    View,
    actor_of,
    now,
    posted,
)

ROLE_CHOICES = [(name, word) for name, word in roles.NAMES.items()]
ROLE_HELP = (
    "A marketer looks after campaigns, codes and rules. A reviewer watches history, releases locks and rolls back. "
    "An admin may do all of it, and looks after retailers, credentials and staff."
)


class StaffForm(OfficeForm):
    username = forms.CharField(max_length=150, widget=fields.text())
    name = forms.CharField(max_length=150, required=False, widget=fields.text())
    email = forms.EmailField(required=False, widget=fields.text(), label="E-mail")
    role = forms.ChoiceField(choices=ROLE_CHOICES, widget=fields.Choices(), help_text=ROLE_HELP)
    active = forms.BooleanField(required=False, initial=True, widget=fields.tick(), label="May log in")
    password = forms.CharField(
        required=False,
        strip=False,
        widget=forms.PasswordInput({"class": "ok-input", "autocomplete": "new-password"}),
        help_text="At least 10 characters. Left empty, the present one stays.",
    )
    sections = [("", "", ["username", "name", "email", "role", "active", "password"])]

    def clean_username(self) -> str:
        name = str(self.cleaned_data["username"])
        if User.objects.filter(username=name).exclude(pk=self.initial.get("pk") or 0).exists():
            raise ValidationError("This name is taken.")
        return name

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        if password:
            password_validation.validate_password(password)
        elif not self.initial.get("pk"):
            raise ValidationError("A new member of staff needs a password.")
        return password


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class StaffAdmin(OfficeAdmin):
    called = ("member of staff", "staff")
    list_display = ("username", "name", "role", "state", "seen")
    ordering = ("username",)
    search_fields = ("username", "first_name", "email")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(is_staff=True).prefetch_related("groups")

    @display(description="Name")
    def name(self, user: User) -> str:
        return user.get_full_name() or show.NOTHING

    @display(description="Role")
    def role(self, user: User) -> str:
        return "Owner" if user.is_superuser else staff.role_of(user)[1]

    @display(description="State")
    def state(self, user: User) -> str:
        return show.chip("May log in", "good") if user.is_active else show.chip("Locked out", "bad")

    @display(description="Last login")
    def seen(self, user: User) -> str:
        return show.moment(user.last_login, empty="never")

    def pages(self) -> dict[str, View]:
        return {}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        self.demand(request, self.permission("add"))
        return self.edit(request, User(is_staff=True))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        self.demand(request, self.permission("change"))
        return self.edit(request, self.find(object_id))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        return self.change_view(request, id)

    def edit(self, request: HttpRequest, user: User) -> HttpResponse:
        if user.is_superuser and not request.user.is_superuser:
            # Whoever could set an owner's password would be the owner.
            self.demand(request, "auth.change_owner")
        initial = {
            "pk": user.pk,
            "username": user.username,
            "name": user.first_name,
            "email": user.email,
            "role": staff.role_of(user)[0] if user.pk else roles.MARKETER,
            "active": user.is_active,
        }
        form = StaffForm(posted(request), initial=initial)

        def act(values: dict[str, Any]) -> str:
            kept = staff.save(
                user_id=user.pk,
                fields={name: values[name] for name in staff.Fields.__annotations__},  # type: ignore[arg-type]
                actor=actor_of(request),
                now=now(),
            )
            return f"{kept.username} has been saved."

        title = user.username or "New member of staff"
        return self.ask(request, form=form, title=title, button="Save", back=self.url("changelist"), act=act)
