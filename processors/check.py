"""Events that decode but can not be true: they are set aside before anything is stored."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from processors.columns import Context, EventColumns, Outcome, put_aside
from processors.reasons import DeadLetterReason

EVENT_TYPES: Final = (
    "page_view",
    "click",
    "engagement",
    "page_end",
    "outbound",
    "download",
    "form_submit",
    "custom",
)
MAX_AGE_US: Final = 12 * 3_600_000_000
"""An event may be at most this much older than its acceptance (ARCHITECTURE, "Time")."""
_DAY_US: Final = 86_400_000_000
_MAX_ZONE_US: Final = 14 * 3_600_000_000
_LAST_DAY: Final = 65_535
"""ClickHouse's Date ends with this day after 1970-01-01."""
_LATEST_US: Final = _LAST_DAY * _DAY_US
_HOURS: Final = (0, 23)
_PERMILLE: Final = (-1, 1000)
_UINT32: Final = (0, 2**31 - 1)
_RANGES: Final = (
    ("seq", _UINT32),
    ("engaged_ms", _UINT32),
    ("x_permille", _PERMILLE),
    ("y_permille", _PERMILLE),
    ("scroll_permille", _PERMILLE),
    ("site_hour", _HOURS),
)


def check_type(batch: EventColumns, ctx: Context) -> Outcome:
    """Refuse events of a type that no reader knows."""
    del ctx
    known = pc.is_in(batch.events.column("type"), value_set=pa.array(EVENT_TYPES))
    return put_aside(batch, pc.invert(known), DeadLetterReason.UNKNOWN_TYPE)


def check_site(batch: EventColumns, ctx: Context) -> Outcome:
    """Refuse events that belong to no site."""
    del ctx
    return put_aside(batch, pc.equal(batch.events.column("site"), ""), DeadLetterReason.NO_SITE)


def check_time(batch: EventColumns, ctx: Context) -> Outcome:
    """Refuse events whose three times contradict each other or fit no calendar day of a store."""
    del ctx
    received = batch.events.column("received_at").cast(pa.int64())
    age = pc.subtract(received, batch.events.column("event_time").cast(pa.int64()))
    day = batch.events.column("site_day").cast(pa.int32()).cast(pa.int64())
    into_day = pc.subtract(received, pc.multiply(day, _DAY_US))
    good = pc.and_(
        pc.and_(_between(age, 0, MAX_AGE_US), _between(received, 0, _LATEST_US)),
        # The product wraps around for days far outside the calendar, so they are bounded too.
        pc.and_(
            _between(day, 0, _LAST_DAY), _between(into_day, -_MAX_ZONE_US, _DAY_US + _MAX_ZONE_US)
        ),
    )
    return put_aside(batch, pc.invert(good), DeadLetterReason.TIME_OUT_OF_RANGE)


def check_numbers(batch: EventColumns, ctx: Context) -> Outcome:
    """Refuse events with a number outside its field's range."""
    del ctx
    good = pa.array([True]).take(pa.nulls(len(batch), pa.int64()).fill_null(0))
    for name, (lowest, highest) in _RANGES:
        good = pc.and_(good, _between(batch.events.column(name), lowest, highest))
    return put_aside(batch, pc.invert(good), DeadLetterReason.NUMBER_OUT_OF_RANGE)


def _between(column: pa.Array, lowest: int, highest: int) -> pa.Array:
    return pc.and_(pc.greater_equal(column, lowest), pc.less_equal(column, highest))
