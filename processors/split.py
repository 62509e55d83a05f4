"""The cut along the schema's own line: impersonal columns become rows of plane S."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from processors.columns import Context, EventColumns

_FIRST_WINS_TOP: Final = pa.scalar(2**64 - 1, pa.uint64())
_NARROWED: Final = {
    "seq": pa.uint32(),
    "engaged_ms": pa.uint32(),
    "x_permille": pa.int16(),
    "y_permille": pa.int16(),
    "scroll_permille": pa.int16(),
    "site_hour": pa.uint8(),
}
_PERSONAL: Final = "personal"


def to_staging_rows(batch: EventColumns, ctx: Context) -> pa.RecordBatch:
    """Cut the impersonal columns out of a batch.

    The rows depend on nothing but the events, so a second delivery makes equal rows
    (ARCHITECTURE, "Delivery").

    Returns:
        events x columns of `staging.hit` without `stored_at`, which the database stamps.
    """
    del ctx
    names = [name for name in batch.events.schema.names if name != _PERSONAL]
    columns = [_narrow(name, batch.events.column(name)) for name in names]
    received_us = batch.events.column("received_at").cast(pa.int64()).cast(pa.uint64())
    columns.append(pc.subtract(_FIRST_WINS_TOP, received_us))
    return pa.RecordBatch.from_arrays(columns, names=[*names, "first_wins"])


def _narrow(name: str, column: pa.Array) -> pa.Array:
    narrowed = _NARROWED.get(name)
    return column if narrowed is None else column.cast(narrowed)
