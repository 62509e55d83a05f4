"""The command line of `hmara send`, without a collector."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from streams.traffic.commands import describe, register
from streams.traffic.report import Tally

if TYPE_CHECKING:
    from pathlib import Path


def _app() -> typer.Typer:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    return app


def _tally() -> Tally:
    tally = Tally(events=2_000, posts=800, accepted=1_900, unanswered=10, retries=3)
    tally.dropped["bot"] = 60
    tally.rejected[403, "origin_not_allowed"] = 30
    tally.last_trouble = "HTTP 503 kafka"
    return tally


def test_the_description_names_every_count() -> None:
    """Accepted, dropped, rejected, unanswered, retries and the seed each have a line."""
    report = _tally().report(seed=7, seconds=4.0, ending="stopped")
    assert describe(report).splitlines() == [
        "sent 2,000 events in 800 posts, 4.0 s, 500 events/s: stopped by hand",
        "accepted 1,900",
        "dropped 60: bot",
        "rejected 30: HTTP 403 origin_not_allowed",
        "unanswered 10; last trouble: HTTP 503 kafka",
        "retries 3",
        "seed 7",
    ]


def test_the_report_is_plain_json() -> None:
    """Rejections, whose key is a pair, become objects; the rest keeps its names."""
    report = json.loads(json.dumps(_tally().report(seed=7, seconds=4.0, ending=None).to_json()))
    assert report["rejected"] == [{"status": 403, "reason": "origin_not_allowed", "events": 30}]
    assert report["dropped"] == {"bot": 60}


def test_help_names_the_options() -> None:
    """`send --help` ends well and explains the seed."""
    result = CliRunner().invoke(_app(), ["send", "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert "Same seed, same events." in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--events", "0"],
        ["--resend", "1.5"],
        ["--rate", "-1"],
        ["--seed", "-1"],
        ["--backfill", "0"],
        ["--backfill", "760"],
        ["--backfill", "1", "--visitors-per-day", "0"],
        ["--backfill", "1", "--events", "5"],
        ["--backfill", "1", "--collector", "http://127.0.0.1:1"],
        ["--visitors-per-day", "10"],
        ["--sites", "sites.toml"],
    ],
)
def test_options_out_of_range_are_usage_errors(arguments: list[str]) -> None:
    """A number that makes no sense is exit code 2 before anything starts."""
    assert CliRunner().invoke(_app(), ["send", *arguments]).exit_code == 2


@pytest.mark.integration
def test_without_the_fetched_list_the_error_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installation that never ran `hmara up` is told to."""
    monkeypatch.setenv("HMARA_LIB_DIR", str(tmp_path))
    result = CliRunner().invoke(_app(), ["send", "--events", "1"])
    assert result.exit_code == 1
    assert "`hmara up`" in str(result.exception)
