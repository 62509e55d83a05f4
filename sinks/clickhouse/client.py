"""Connections to ClickHouse: the native protocol for statements, HTTP for bulk columns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import clickhouse_connect
from clickhouse_driver import Client
from clickhouse_driver.errors import Error as DriverError
from clickhouse_driver.errors import ServerException

from schemas.errors import HmaraError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client as HttpClient

CONNECT_TIMEOUT_S: Final = 5
STATEMENT_TIMEOUT_S: Final = 300


class ClickHouseError(HmaraError):
    """A statement that the server refused, or a server that can not be reached."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is and who asks it."""

    host: str
    native_port: int
    http_port: int
    user: str
    password: str = field(repr=False)


@contextmanager
def open_native(address: Address) -> Iterator[Client]:
    """Connect over the native protocol, for DDL and queries.

    Raises:
        ClickHouseError: the server can not be reached or refused a statement; the message holds
            the server's first line, never the statement's data.
    """
    client = Client(
        host=address.host,
        port=address.native_port,
        user=address.user,
        password=address.password,
        connect_timeout=CONNECT_TIMEOUT_S,
        send_receive_timeout=STATEMENT_TIMEOUT_S,
        # {name:Type} in a statement is filled in by the server, never by pasting text.
        settings={"server_side_params": True},
    )
    try:
        yield client
    except ServerException as error:
        first_line = str(error.message).partition(" Stack trace:")[0].splitlines()[0]
        message = f"asking ClickHouse: {first_line}"
        raise ClickHouseError(message) from error
    except (DriverError, OSError, EOFError) as error:
        message = f"reaching ClickHouse at {address.host}:{address.native_port}: {error}"
        raise ClickHouseError(message) from error
    finally:
        client.disconnect()


def open_http(address: Address, settings: dict[str, Any] | None = None) -> HttpClient:
    """Connect over HTTP, for bulk inserts of Arrow columns; `settings` go with every statement."""
    return clickhouse_connect.get_client(
        host=address.host,
        port=address.http_port,
        username=address.user,
        password=address.password,
        connect_timeout=CONNECT_TIMEOUT_S,
        send_receive_timeout=STATEMENT_TIMEOUT_S,
        settings=settings or {},
        autogenerate_session_id=False,
    )
