"""A folder on tmpfs, and a collector over it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.collector import Collector, make_collector
from tests.support.service_bench import Bench


@pytest.fixture
def volatile() -> Iterator[Path]:
    """Return an empty folder on tmpfs that only we can read."""
    folder = Path(tempfile.mkdtemp(prefix="hmara-test-", dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def collector(volatile: Path, tmp_path: Path) -> Collector:
    """Return a collector whose sink acknowledges at once."""
    return make_collector(volatile, tmp_path / "tag.js")


@pytest.fixture
def bench(volatile: Path) -> Bench:
    """Return a service without HTTP and Kafka."""
    return Bench(volatile)
