"""The schedule names tasks that exist, and every task holds to the rules that make a crash harmless."""

import inspect
from datetime import timedelta

from project.celery import app

app.loader.import_default_modules()
OURS = [task for name, task in app.tasks.items() if not name.startswith("celery.")]


def test_what_is_scheduled_exists() -> None:
    assert {line["task"] for line in app.conf.beat_schedule.values()} <= set(app.tasks)


def test_messages_of_the_schedule_do_not_pile_up_while_workers_are_away() -> None:
    for line in app.conf.beat_schedule.values():
        void_after = timedelta(seconds=line["options"]["expires"])
        often = line["schedule"] if isinstance(line["schedule"], timedelta) else timedelta(days=1)
        assert timedelta(0) < void_after <= often


def test_every_task_is_acknowledged_late_and_returned_when_its_worker_dies() -> None:
    assert OURS
    assert [task.name for task in OURS if not task.acks_late or not task.reject_on_worker_lost] == []


def test_every_task_takes_keywords_only_and_those_it_does_not_know() -> None:
    for task in OURS:
        kinds = {parameter.kind for parameter in inspect.signature(task.run).parameters.values()}
        assert kinds <= {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}, task.name
        assert inspect.Parameter.VAR_KEYWORD in kinds, task.name


def test_every_task_goes_to_a_queue_that_workers_listen_to() -> None:
    queues = {queue.name for queue in app.conf.task_queues}
    for task in OURS:
        assert app.amqp.router.route({}, task.name)["queue"].name in queues
