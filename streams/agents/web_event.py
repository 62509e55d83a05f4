"""The agent of `web.event.v1`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

import faust

from schemas.topics import WEB_EVENT
from streams.settings import WorkerSettings
from streams.transport import RecordList, RecordListSchema

Run = Callable[[Sequence[RecordList]], int]


def add_web_event_agent(
    app: faust.App, settings: WorkerSettings, run: Run, executor: Executor
) -> None:
    """Give the app the one actor that writes events.

    One actor, and acks after the chunk is stored: a crash anywhere before reads the chunk again.
    It runs in `executor`, off the worker's loop, so heartbeats go out while an insert lasts.
    """

    async def store_web_events(stream: Any) -> None:  # noqa: ANN401 - Faust's stream is untyped
        async for events in stream.noack_take(settings.chunk_lists, within=settings.flush_s):
            lists = [event.value for event in events]
            try:
                await asyncio.get_running_loop().run_in_executor(executor, run, lists)
            except Exception as error:
                await app.crash(error)  # the process ends, and another one reads the chunk again
                raise
            for event in events:
                event.ack()

    topic = app.topic(WEB_EVENT.name, schema=RecordListSchema())
    app.agent(topic, name="store_web_events", concurrency=1)(store_web_events)
