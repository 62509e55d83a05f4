"""Fixtures: homes of their own for services that are killed, stopped and started again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from streams.embedded.ports import Ports
from streams.embedded.services import Services, Tuning, start_services, stop_services
from streams.settings import lib_dir

ANY_PORTS = Tuning(usual_ports=Ports(0, 0, 0, 0), wait_s=120)


@pytest.fixture(scope="session")
def lib() -> Path:
    """Return the lib directory; what is missing in it is fetched at the first start."""
    return lib_dir()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Return a home with a space in its path; whatever still runs there is stopped at the end."""
    path = tmp_path / "a b" / ".hmara"
    yield path
    stop_services(path)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, lib: Path) -> Iterator[Services]:
    """Start services for a module's tests, in a folder with a space, with a quicker log cleaner."""
    home = tmp_path_factory.mktemp("a b") / ".hmara"
    tuning = replace(ANY_PORTS, kafka_settings={"log.cleaner.backoff.ms": "1000"})
    with start_services(home, lib, tie_to_parent=True, tuning=tuning) as services:
        yield services
