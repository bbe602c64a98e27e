"""Background jobs and how far they are."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest, JsonResponse

from offers.admin import show
from offers.admin.filters import PickFilter, RetailerFilter
from offers.admin.office import ReadOnlyAdmin, View
from offers.admin.page import Block, Facts, Page, Progress
from offers.models import AsyncAction

Status = AsyncAction.Status
TONES = {Status.ENQUEUED: "", Status.IN_PROGRESS: "info", Status.DONE: "good", Status.FAILED: "bad"}
WORDS = {
    Status.ENQUEUED: "Waiting",
    Status.IN_PROGRESS: "Running",
    Status.DONE: "Done",
    Status.FAILED: "Failed",
}
KINDS = {"CAMPAIGN.VOUCHERS_GENERATE": "Generate codes", "CAMPAIGN.VOUCHERS_DELETE": "Delete codes"}


class StatusFilter(PickFilter):
    title = "status"
    parameter_name = "status"
    choices_of = tuple((status.value, word) for status, word in WORDS.items())

    def narrow(self, queryset: Any, value: str) -> Any:
        return queryset.filter(status=value)


def kind(job: AsyncAction) -> str:
    return KINDS.get(job.type) or job.type.rpartition(".")[2].replace("_", " ").capitalize()


def status_chip(job: AsyncAction) -> str:
    return show.chip(WORDS[Status(job.status)], TONES[Status(job.status)])


def said(job: AsyncAction) -> str:
    """Say how far a job is."""
    word = WORDS[Status(job.status)]
    return f"{word}: {job.done:,} of {job.total:,}" if job.total else word


def finished(job: AsyncAction) -> bool:
    return job.status in {Status.DONE, Status.FAILED}


def progress(job: AsyncAction, url: str, title: str = "") -> Progress:
    return Progress(title=title or kind(job), url=url, percent=job.progress, status=said(job))


@admin.register(AsyncAction)
class JobAdmin(ReadOnlyAdmin):
    called = ("job", "jobs")
    list_display = ("kind_", "status_", "progress_", "by", "when")
    list_filter = (StatusFilter, RetailerFilter)
    list_select_related = ("retailer",)
    nothing_text = "No jobs have run yet."

    @display(description="Job")
    def kind_(self, job: AsyncAction) -> str:
        return kind(job)

    @display(description="Status")
    def status_(self, job: AsyncAction) -> str:
        return status_chip(job)

    @display(description="Progress")
    def progress_(self, job: AsyncAction) -> str:
        return show.bar(job.progress, f"{job.done:,} of {job.total:,}", warns=False)

    @display(description="Started by")
    def by(self, job: AsyncAction) -> str:
        return job.created_by or show.NOTHING

    @display(description="Started")
    def when(self, job: AsyncAction) -> str:
        return show.moment(job.created_at, job.retailer.timezone)

    def pages(self) -> dict[str, View]:
        return {"<id>/progress": self.progress}

    def progress(self, request: HttpRequest, key: int) -> JsonResponse:
        """Answer how far a job is, for the bar on the page."""
        self.demand(request, self.permission("view"))
        job: AsyncAction = self.find(key)
        return JsonResponse({"percent": job.progress, "status": said(job), "finished": finished(job)})

    def page(self, request: HttpRequest, key: Any) -> Page:
        job: AsyncAction = self.find(key, "retailer")
        zone = job.retailer.timezone
        facts = [
            ("Started", show.moment(job.created_at, zone)),
            ("Started by", job.created_by or show.NOTHING),
            ("Last sign of life", show.moment(job.heartbeat_at, zone)),
            ("Took", f"{job.processing_time:,} ms" if job.processing_time is not None else show.NOTHING),
            ("Result", show.plain((job.result or {}).get("message"))),
            ("Retailer", job.retailer.name),
        ]
        blocks: list[Block] = [] if finished(job) else [progress(job, self.url("progress", job.pk))]
        return Page(
            title=kind(job),
            subtitle=f"{job.public_id}, {said(job)}",
            chips=[status_chip(job)],
            blocks=[*blocks, Facts(facts=facts)],
        )
