"""Every reason for which an event does not go on, one value each: the closed sets of counters."""

from __future__ import annotations

from enum import StrEnum


class DropReason(StrEnum):
    """Intended: the event is forgotten, and counted."""

    OPTED_OUT = "opted_out"
    BOT = "bot"


class DeadLetterReason(StrEnum):
    """To be repaired: the record, or the one event of it, goes to the dead letters."""

    NO_FRAME = "no_frame"
    UNKNOWN_SCHEMA = "unknown_schema"
    UNDECODABLE = "undecodable"
    UNKNOWN_TYPE = "unknown_type"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    NO_SITE = "no_site"
    NUMBER_OUT_OF_RANGE = "number_out_of_range"
    REFUSED_BY_STORE = "refused_by_store"
