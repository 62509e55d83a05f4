"""`hmara query`: as whom it asks."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sinks.clickhouse.client import Address
from streams.cells.ask import Answer, Span
from streams.cli import app
from streams.commands import data


def test_a_view_is_asked_as_the_analyst(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for a view has the analyst's rights, not those of the service."""
    asked: list[tuple[str, str, str]] = []

    def ask_view(address: Address, view: str, span: Span) -> Answer:
        del span
        asked.append((address.user, address.password, view))
        return Answer(["day"], [])

    monkeypatch.setattr(data, "ask_view", ask_view)
    env = {
        "HMARA_HOME": str(tmp_path),
        "HMARA_CLICKHOUSE_NATIVE_PORT": "1",
        "HMARA_CLICKHOUSE_HTTP_PORT": "1",
        "HMARA_CLICKHOUSE_ANALYST_PASSWORD": "three",
    }
    result = CliRunner().invoke(app, ["query", "page_views_daily"], env=env)
    assert result.exit_code == 0, result.output
    assert asked == [("analyst", "three", "page_views_daily")]
