"""Nudges: sent by name after commit, from processes that are no workers too."""

import subprocess
import sys

PROGRAM = """
import django
django.setup()
from celery import current_app
from django.db import transaction
from offers.lib import queue

sent = []
current_app.Task.apply_async = lambda self, **options: sent.append((self.name, options["kwargs"]))
transaction.on_commit = lambda send: send()
queue.enqueue("outbox.relay", ident=7)
print(sent)
"""


def test_a_process_that_is_no_worker_finds_the_task_by_its_name() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[('outbox.relay', {'ident': 7})]"
