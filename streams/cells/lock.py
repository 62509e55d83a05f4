"""One run at a time for a site-day on this host."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import HmaraError


class BusyError(HmaraError):
    """Another process is at work on the same site-day."""


@contextmanager
def hold_site(folder: Path, site: str) -> Iterator[None]:
    """Hold a site's lock; it goes with the process, however that ends.

    Raises:
        BusyError: another process holds it, or the folder can not be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(
            folder / f"cells-{site}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
    except OSError as error:
        message = f"locking site {site}: {folder}: {error.strerror}"
        raise BusyError(message) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        message = f"locking site {site}: another process is closing or publishing it"
        raise BusyError(message) from None
    finally:
        os.close(handle)
