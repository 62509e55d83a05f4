"""Destroys salts whose day is over, also where no collector runs any more to do it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

import structlog

from streams.collector.salt import expire_files
from streams.settings import volatile_dir

_EVERY_S: Final = 60.0
log = structlog.get_logger(__name__)


class SaltSweep:
    """A thread that looks at the folder of this installation's salts once a minute."""

    def __init__(self) -> None:
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="salt-sweep", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        folder = volatile_dir() / "salts"
        while True:
            try:
                expire_files(folder, datetime.now(UTC))
            except (OSError, ValueError) as error:  # the next round tries again
                log.warning("salt_not_destroyed", cause=type(error).__name__)
            if self._is_over.wait(_EVERY_S):
                return
