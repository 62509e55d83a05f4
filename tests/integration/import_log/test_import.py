"""`hmara import-log`: the counts are those of the log, however often it is read."""

from __future__ import annotations

import gzip
import json
import os
import secrets
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streams.embedded.services import Services
from streams.settings import volatile_dir
from tests.integration.cli.calling import Hmara
from tests.integration.collector.records import read_ends, skip_to_end
from tests.integration.import_log.conftest import ZONE
from tests.integration.import_log.made_log import (
    Counted,
    MadeLog,
    count_independently,
    make_log,
    write_log,
)
from tests.support.services import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

FEW_LINES = 3_000
MANY_LINES = 50_000
RECORDS_BEFORE_KILL = 8


@pytest.fixture(scope="module")
def storing(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start a worker that stores what the tests of this module import."""
    folder = tmp_path_factory.mktemp("import")
    stack = Stack(services, folder, f"site-{secrets.token_hex(4)}", "http://127.0.0.1:8081")
    skip_to_end(stack)
    stack.start_worker()
    yield stack
    stack.stop()


def test_the_counts_are_those_of_the_log(
    storing: Stack, log_stack: Stack, hmara: Hmara, tmp_path: Path
) -> None:
    """Per page and hour of the site's zone they equal a script's; a second run changes none."""
    seed = secrets.randbits(32)
    sys.stdout.write(f"seed of the log: {seed}\n")
    log = make_log(FEW_LINES, seed)
    expected = count_independently(log.text, ZoneInfo(ZONE))
    plain, twin = write_log(tmp_path, log), tmp_path / "twin.log.gz"
    twin.write_bytes(gzip.compress(log.text.encode()))
    for path in (plain, twin):
        assert_said(import_log(hmara, log_stack.site, path), log, expected)
        storing.wait_for_lag()
        assert read_views(log_stack) == expected.views
        assert read_visitors(log_stack) == count_visitors(expected)
    printed = hmara("import-log", str(plain), str(twin), "--site", log_stack.site).out
    storing.wait_for_lag()
    assert read_views(log_stack) == expected.views
    assert f" {expected.views.total():,} " in printed
    assert f" {log.skipped['bot']:,} " in printed
    number, reason = log.unreadable[0]
    assert f"{plain}:{number}: {reason}\n" in printed
    assert f"{twin}: left out, it holds the same as {plain}\n" in printed


def test_an_import_that_was_killed_goes_on(
    storing: Stack, log_stack: Stack, hmara: Hmara, tmp_path: Path
) -> None:
    """SIGKILLed in the middle and run again, the counts are right, of visitors too; salts go."""
    log = make_log(MANY_LINES, seed=1)
    expected = count_independently(log.text, ZoneInfo(ZONE))
    path = write_log(tmp_path, log)
    salts = volatile_dir() / "import"
    kill_import_in_the_middle(log_stack, path)
    storing.wait_for_lag()
    assert 0 < log_stack.count() < expected.views.total()
    assert len(list(salts.glob(f"*/{log_stack.site}/*"))) > 0, "the salts wait for the second run"
    import_log(hmara, log_stack.site, path)
    storing.wait_for_lag()
    assert read_views(log_stack) == expected.views
    assert read_visitors(log_stack) == count_visitors(expected)
    assert list(salts.iterdir()) == []


def test_what_is_no_import_is_said_to_be_none(
    log_stack: Stack, hmara: Hmara, tmp_path: Path
) -> None:
    """An unknown site, a missing file, a file that is no log: one sentence each, exit code 1."""
    good = write_log(tmp_path, make_log(10, seed=1))
    image, empty, damaged = (tmp_path / name for name in ("image.png", "empty.log", "cut.gz"))
    image.write_bytes(b"\x89PNG\r\n" + secrets.token_bytes(2_000))
    empty.write_bytes(b"")
    damaged.write_bytes(gzip.compress(good.read_bytes())[:-20])
    before = read_ends(log_stack)
    for site, file, words in (
        (log_stack.site, tmp_path / "missing.log", "missing.log: No such file"),
        (log_stack.site, tmp_path, "Is a directory"),
        (log_stack.site, image, "image.png: not an access log"),
        (log_stack.site, empty, "empty.log: the file is empty"),
        (log_stack.site, damaged, "cut.gz"),
        ("elsewhere", good, "has no site 'elsewhere'"),
    ):
        done = hmara("import-log", str(good), str(file), "--site", site)
        assert (done.code, done.out) == (1, "")
        assert words in done.err
        assert done.err.startswith("hmara: ")
        assert done.err.count("\n") == 1
    assert read_ends(log_stack) == before


def import_log(hmara: Hmara, site: str, path: Path) -> dict[str, Any]:
    """Import a log to its end; return the report."""
    done = hmara("import-log", str(path), "--site", site, "--json")
    assert done.code == 0, done.err
    report: dict[str, Any] = json.loads(done.out)
    return report


def assert_said(report: dict[str, Any], log: MadeLog, expected: Counted) -> None:
    """Hold that a report says what is in the log, and where the bad lines are."""
    assert report["lines"] == FEW_LINES
    assert report["pages"] == expected.views.total()
    assert report["skipped"] == log.skipped
    assert report["days"] == sorted(expected.visitors)
    assert len(report["days"]) == 3
    named = [(line["line"], line["reason"]) for line in report["unreadable"]]
    assert named == log.unreadable[: len(named)]
    assert len(named) == min(20, len(log.unreadable))


def kill_import_in_the_middle(stack: Stack, path: Path) -> None:
    """Start an import and SIGKILL it once Kafka has some of its records."""
    before = sum(read_ends(stack))
    process = subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "import-log", str(path), "--site", stack.site],
        env={**os.environ, **stack.env},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(
            lambda: sum(read_ends(stack)) >= before + RECORDS_BEFORE_KILL, "records are there"
        )
    finally:
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "the import was not yet complete"


def read_views(stack: Stack) -> Counter[tuple[str, int, str]]:
    """Return the stored page views by day, hour and path."""
    rows = stack.ask(
        "SELECT toString(site_day), site_hour, path, count() FROM staging.hit FINAL"
        " WHERE site = {site:String} AND type = 'page_view' GROUP BY ALL"
    )
    return Counter(
        {(str(day), int(str(hour)), str(path)): int(str(n)) for day, hour, path, n in rows}
    )


def read_visitors(stack: Stack) -> dict[str, int]:
    """Return the stored visitors by day."""
    rows = stack.ask(
        "SELECT toString(site_day), uniqExact(visitor_hash) FROM staging.hit FINAL"
        " WHERE site = {site:String} GROUP BY ALL"
    )
    return {str(day): int(str(visitors)) for day, visitors in rows}


def count_visitors(counted: Counted) -> dict[str, int]:
    """Return the visitors by day, as a script has counted them."""
    return {day: len(visitors) for day, visitors in counted.visitors.items()}
