"""What the ClickHouse sink makes of a server's answers."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from sinks.base import Sink, SinkBackpressure, SinkRejected
from sinks.clickhouse import sink as module
from sinks.clickhouse.client import Address
from sinks.clickhouse.sink import ClickHouseSink

ADDRESS: Final = Address("clickhouse.example.org", 9000, 8123, "service", "hidden-password")
ROWS: Final = pa.RecordBatch.from_pydict({"hit_key": pa.array([1, 2], pa.uint64())})


class Server:
    """A client in memory: takes inserts, or raises what a test tells it to."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.inserts: list[tuple[str, str, pa.Table]] = []
        self.opened: list[dict[str, Any]] = []
        self.closed = 0

    def open(self, address: Address, settings: dict[str, Any]) -> Server:
        """Stand for `open_http`."""
        assert address is ADDRESS
        self.opened.append(settings)
        return self

    def insert_arrow(self, table: str, rows: pa.Table, database: str) -> None:
        """Take rows."""
        if self.error is not None:
            raise self.error
        self.inserts.append((database, table, rows))

    def ping(self) -> bool:
        """Answer."""
        if self.error is not None:
            raise self.error
        return True

    def close(self) -> None:
        """Note that the connection was given back."""
        self.closed += 1


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """Return the server that sinks of this test connect to."""
    server = Server()
    monkeypatch.setattr(module, "open_http", server.open)
    return server


def make_sink() -> ClickHouseSink:
    """Return a sink for the table of hits."""
    return ClickHouseSink(ADDRESS, "staging", "hit")


def refuse(code: int | None) -> DatabaseError:
    """Return a server's refusal with a code."""
    error = DatabaseError("refused, with the row: secret-path")
    error.code = code
    return error


def test_rows_go_to_their_table_over_one_connection(server: Server) -> None:
    """Writes share one connection, and an empty batch asks nothing of the server."""
    sink = make_sink()
    assert isinstance(sink, Sink)
    sink.write(ROWS.slice(0, 0))
    assert not server.opened
    sink.write(ROWS)
    sink.write(ROWS.slice(1))
    assert [(database, table) for database, table, _ in server.inserts] == [("staging", "hit")] * 2
    assert server.inserts[1][2].to_pydict() == {"hit_key": [2]}
    assert len(server.opened) == 1
    assert server.opened[0]["async_insert"] == 0
    sink.close()
    sink.close()
    assert server.closed == 1


@pytest.mark.parametrize("code", [6, 16, 20, 53, 70, 117, 321, 349])
def test_a_code_that_blames_the_rows_rejects_them(server: Server, code: int) -> None:
    """A refusal that no waiting heals says how many rows it was for, and quotes none of them."""
    server.error = refuse(code)
    with pytest.raises(SinkRejected, match=str(code)) as caught:
        make_sink().write(ROWS)
    assert caught.value.rows == 2
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        refuse(252),  # TOO_MANY_PARTS
        refuse(241),  # MEMORY_LIMIT_EXCEEDED
        refuse(60),  # UNKNOWN_TABLE: a migration is still to come
        refuse(None),
        OperationalError("connection refused"),
        ConnectionResetError("reset"),
        TimeoutError("timed out"),
    ],
    ids=repr,
)
def test_everything_else_may_pass(server: Server, error: Exception) -> None:
    """What may pass asks the caller to come again, and the next write connects anew."""
    sink = make_sink()
    server.error = error
    with pytest.raises(SinkBackpressure) as caught:
        sink.write(ROWS)
    assert caught.value.retry_after_s > 0
    assert "secret" not in str(caught.value)
    assert not sink.healthy()
    server.error = None
    sink.write(ROWS)
    assert sink.healthy()
    assert len(server.inserts) == 1
    assert server.closed == 1


def test_a_server_that_can_not_be_reached_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that can not be opened is backpressure too, not an end."""

    def fail(*_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(module, "open_http", fail)
    sink = make_sink()
    with pytest.raises(SinkBackpressure):
        sink.write(ROWS)
    assert not sink.healthy()


def test_an_address_does_not_show_its_password() -> None:
    """The password of an address stays out of tracebacks and logs."""
    assert "hidden-password" not in repr(ADDRESS)
