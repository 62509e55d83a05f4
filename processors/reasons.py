"""Every reason for which an event does not go on, one value each: the closed sets of counters."""

from __future__ import annotations

from enum import StrEnum


class DropReason(StrEnum):
    """Intended: the event is forgotten, and counted."""

    OPTED_OUT = "opted_out"
    """The person said no: by the tag's opt-out, or with a request that carries the choice."""
    BOT = "bot"
    """The user agent is a robot's, or empty."""
    HEADLESS = "headless"
    """A browser without a person before it says so (a site may keep these)."""
    DATA_CENTER = "data_center"
    """The address belongs to a hosting provider (a site may keep these)."""
    REFERRER_SPAM = "referrer_spam"
    """The referrer is one that is sent only to be seen in statistics."""
    EXCLUDED_ADDRESS = "excluded_address"
    """The site's settings leave this address out: its owner's own visits."""


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
