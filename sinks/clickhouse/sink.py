"""Bulk inserts of Arrow columns into one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from clickhouse_connect.driver.exceptions import ClickHouseError as HttpError
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from sinks.base import SinkBackpressure, SinkRejected
from sinks.clickhouse.client import Address, open_http

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client as HttpClient

_RETRY_AFTER_S: Final = 1.0
_REJECTED_CODES: Final = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        16,  # NO_SUCH_COLUMN_IN_TABLE
        20,  # NUMBER_OF_COLUMNS_DOESNT_MATCH
        53,  # TYPE_MISMATCH
        70,  # CANNOT_CONVERT_TYPE
        117,  # INCORRECT_DATA
        321,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        349,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
    }
)
"""Codes that blame the rows; every other refusal (too many parts, memory, a table that a
migration has not made yet, a restart) may pass, and nothing is lost by waiting."""

_INSERT_SETTINGS: Final[dict[str, Any]] = {
    # A replay or an import may hold more site-days than the server's cautious default.
    "max_partitions_per_insert_block": 0,
    "async_insert": 0,
    # Else the server merges each block by its key while the insert waits: three times the CPU.
    # Merges in the background and FINAL remove what was delivered twice all the same.
    "optimize_on_insert": 0,
}


class ClickHouseSink:
    """A table that takes record batches whose columns are named like its own."""

    max_batch: Final = 100_000

    def __init__(self, address: Address, database: str, table: str) -> None:
        self.name: Final = f"{database}.{table}"
        self._database = database
        self._table = table
        self._address = address
        self._client: HttpClient | None = None

    def write(self, batch: pa.RecordBatch) -> None:
        """Insert the rows in one statement; see `Sink.write`."""
        if not batch.num_rows:
            return
        try:
            self._connected().insert_arrow(
                self._table, pa.Table.from_batches([batch]), database=self._database
            )
        except DatabaseError as error:
            code = getattr(error, "code", None)
            self._forget()
            if code in _REJECTED_CODES:
                message = f"inserting into {self.name}: refused with code {code}"
                raise SinkRejected(message, rows=batch.num_rows) from error
            message = f"inserting into {self.name}: not now, code {code}"
            raise SinkBackpressure(message, retry_after_s=_RETRY_AFTER_S) from error
        except (HttpError, OSError) as error:
            self._forget()
            message = f"inserting into {self.name}: {type(error).__name__}"
            raise SinkBackpressure(message, retry_after_s=_RETRY_AFTER_S) from error

    def healthy(self) -> bool:
        """Say whether the server answers."""
        try:
            return bool(self._connected().ping())
        except (HttpError, OperationalError, OSError):
            return False

    def close(self) -> None:
        """Close the connection."""
        self._forget()

    def _connected(self) -> HttpClient:
        if self._client is None:
            self._client = open_http(self._address, _INSERT_SETTINGS)
        return self._client

    def _forget(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
