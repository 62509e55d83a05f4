"""A day of this test's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from streams.embedded.services import Services
from tests.integration.cells.made_days import MadeDay
from tests.support.services import address_of


@pytest.fixture
def make_day(services: Services) -> Callable[[], MadeDay]:
    """Return what makes days, each of a site of its own."""
    return lambda: MadeDay(address_of(services, "hmara_admin"))


@pytest.fixture
def made_day(make_day: Callable[[], MadeDay]) -> MadeDay:
    """Return an empty day."""
    return make_day()
