"""Asking the analyst's views by their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pyarrow as pa

from schemas.errors import HmaraError
from sinks.clickhouse.client import Address, open_native
from sinks.clickhouse.migrate import MIGRATIONS_DIR, VIEWS

FIRST_DAY: Final = date(1970, 1, 1)
LAST_DAY: Final = date(2149, 6, 6)
"""The days that ClickHouse's Date can hold."""


class ViewError(HmaraError):
    """A view that is not there."""


@dataclass(frozen=True, slots=True)
class Span:
    """A site and its days, the last one included; without a site, every site."""

    site: str | None = None
    first: date = FIRST_DAY
    last: date = LAST_DAY


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows under their columns' names."""

    names: list[str]
    rows: list[tuple[Any, ...]]

    def to_arrow(self) -> bytes:
        """Return the rows as a stream of Arrow's IPC format."""
        columns = zip(*self.rows, strict=True) if self.rows else ([] for _ in self.names)
        table = pa.table([pa.array(list(column)) for column in columns], names=self.names)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        data: bytes = sink.getvalue().to_pybytes()
        return data


def list_views() -> Mapping[str, str]:
    """Return what each view holds, by name: the first line of its file.

    A file whose name begins with a digit is a part of the others.
    """
    views = {}
    for path in sorted((MIGRATIONS_DIR.parent / VIEWS).glob("[a-z]*.sql")):
        first_line = path.read_text("utf-8").partition("\n")[0]
        views[path.stem] = first_line.removeprefix("--").strip()
    return views


def ask_view(address: Address, view: str, span: Span) -> Answer:
    """Return a view's rows, in the order of its columns.

    Raises:
        ViewError: there is no such view.
        ClickHouseError: the server can not be reached or refused the query.
    """
    if view not in list_views():
        message = f"querying view: there is no {view!r}; `hmara query --list` names all"
        raise ViewError(message)
    of_site = "" if span.site is None else "site = {site:String} AND "
    sql = (
        f"SELECT * FROM anonymous.{view}"  # noqa: S608 - one of the names above
        f" WHERE {of_site}day >= {{first:Date}} AND day <= {{last:Date}} ORDER BY ALL"
    )
    parameters = {
        "site": span.site or "",
        "first": span.first.isoformat(),
        "last": span.last.isoformat(),
    }
    with open_native(address) as client:
        rows, columns = client.execute(sql, parameters, with_column_types=True)
    return Answer([name for name, _ in columns], rows)
