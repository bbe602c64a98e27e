#!/usr/bin/env python
"""Django's command line, with Offerkeep's settings; beside a `make run` it finds that server's data by itself."""

import os
import sys

from django.core.management import execute_from_command_line

from project import local


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    local.join()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
