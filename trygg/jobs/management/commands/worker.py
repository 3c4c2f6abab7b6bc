"""Do what waits in the background, and take back what a dead worker left."""

from __future__ import annotations

import os
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.crypto import get_random_string
from django_tasks_db.management.commands.db_worker import Worker

from trygg.jobs.actions import take_back_abandoned


class Command(BaseCommand):
    help = "Do background work until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="end when nothing waits"
        )
        parser.add_argument(
            "--interval", type=float, default=1.0, help="seconds between looks"
        )
        parser.add_argument(
            "--with-parent",
            action="store_true",
            help="end when the process that started this one is gone",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        worker = Worker(
            queue_names=["*"],
            interval=options["interval"],
            batch=True,
            backend_name="default",
            startup_delay=False,
            max_tasks=None,
            worker_id=get_random_string(32),
            excluded_queue_names=[],
        )
        worker.configure_signals()
        parent = os.getppid()
        while worker.running:
            if taken := take_back_abandoned(at=timezone.now()):
                self.stderr.write(f"Taken back from a dead worker: {taken}")
            worker.run()
            if options["once"] or (options["with_parent"] and os.getppid() != parent):
                return
            time.sleep(options["interval"])
