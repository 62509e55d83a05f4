"""The worker's process: starts the app, answers /metrics and /readyz, ends when told or broken."""

from __future__ import annotations

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor

import faust
import structlog
from faust.exceptions import ConsumerNotStarted

from streams.app import build_app, build_runner
from streams.salt_sweep import SaltSweep
from streams.settings import ClickHouseSettings, KafkaSettings, WorkerSettings
from streams.status_server import StatusServer
from streams.version import VERSION

log = structlog.get_logger(__name__)


def run_worker(
    settings: WorkerSettings, kafka: KafkaSettings, clickhouse: ClickHouseSettings
) -> int:
    """Work until SIGTERM or SIGINT; return the exit code."""
    runner = build_runner(settings, kafka, clickhouse)
    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pipeline")
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    app = build_app(settings, kafka, runner, executor)

    @app.on_before_shutdown.connect
    def _stop(*_: object, **__: object) -> None:
        runner.stop()

    def is_ready() -> bool:
        try:
            return bool(app.started and not app.should_stop and app.consumer.assignment())
        except ConsumerNotStarted:
            return False

    with (
        SaltSweep(),
        StatusServer(settings.metrics_host, settings.metrics_port, is_ready) as status,
    ):
        gc.collect()
        gc.freeze()
        log.info("worker_started", group=settings.group, metrics_port=status.port, version=VERSION)
        worker = faust.Worker(
            app,
            loop=loop,
            loglevel="WARN",  # below, Faust quotes keys and values
            quiet=True,
            override_logging=False,
            redirect_stdouts=False,
        )
        worker.spinner = None  # a log file is no terminal
        try:
            worker.execute_from_commandline()
        except SystemExit as end:
            code = end.code
            return code if isinstance(code, int) else int(code is not None)
        finally:
            runner.stop()
            executor.shutdown(wait=True, cancel_futures=True)
            log.info("worker_stopped")
    return 0
