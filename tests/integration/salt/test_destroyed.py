"""When its day has ended a salt is nowhere, and while it lives the same search finds it."""

from __future__ import annotations

import shutil
import urllib.request

import pytest

from tests.integration.salt.conftest import Aging, draw_browsers
from tests.integration.salt.secret import Secret, has_secret, scan_tree
from tests.support.core_image import Sieve, scan_process
from tests.support.hunt import hunt
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

BROWSERS = draw_browsers(20)


def test_the_salt_of_a_day_that_has_ended_is_nowhere(aging: Aging) -> None:
    """Not in memory, on tmpfs, in Kafka, ClickHouse, a log or a metric; before, in the first two.

    Looked for are the secret whole, by half and by word, in several forms, and the two states
    that are as good as it.
    """
    url, collector = aging.start_collector()
    visit_all(aging, url)
    (old,) = aging.read_secrets()
    assert has_secret(old, scan_process(collector.pid, old.needles)), "the process has it"
    assert has_secret(old, scan_tree(aging.volatile, old.needles)), "so has tmpfs"
    aging.end_day()
    wait_until(lambda: not old.file.exists(), "the file of the day that is over goes")
    assert not scan_process(collector.pid, old.needles), "a process that rests has no trace"
    visit_all(aging, url)
    (new,) = aging.read_secrets()
    assert has_secret(new, scan_process(collector.pid, new.needles)), "the search sees a new salt"
    assert not scan_process(collector.pid, old.needles), "and nothing of the old one"
    aging.stack.wait_for_lag()
    check_stores(aging, old)


def test_a_salt_that_lost_its_file_dies_with_its_day(aging: Aging) -> None:
    """A process whose tmpfs was emptied keeps the salt of the day in memory, and no longer."""
    url, collector = aging.start_collector()
    visit_all(aging, url)
    (old,) = aging.read_secrets()
    shutil.rmtree(old.file.parent)
    visit_all(aging, url)
    assert not aging.read_secrets(), "the day goes on under the salt in memory"
    assert has_secret(old, scan_process(collector.pid, old.needles))
    aging.end_day()
    wait_until(lambda: not scan_process(collector.pid, old.needles), "the memory lets go of it", 60)


def visit_all(aging: Aging, url: str) -> None:
    """Let every browser send a page view, and ask for a pixel."""
    for browser in BROWSERS:
        aging.visit(url, browser)
        aging.see_pixel(url, browser)


def check_stores(aging: Aging, secret: Secret) -> None:
    """Search everything on disk and tmpfs, as it lies there and as its readers decode it."""
    stack = aging.stack
    services, needles = stack.services, secret.needles
    # The files first: the hunt plants what it looks for.
    for folder in (services.home, stack.folder, aging.volatile):
        assert not scan_tree(folder, needles)
    for metrics_url in stack.metrics_urls:
        with urllib.request.urlopen(metrics_url, timeout=10) as answer:
            content = answer.read()
        assert b"hmara_" in content
        assert not list(Sieve(needles).find(content, metrics_url))
    assert not hunt(services, secret.texts)
