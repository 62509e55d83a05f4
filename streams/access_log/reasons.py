"""Why a line of a log is no page view: a closed set, each counted."""

from __future__ import annotations

from enum import StrEnum


class SkipReason(StrEnum):
    """One reason per skipped line; where several hold, the first in this order is the one."""

    MALFORMED = "malformed"
    """Not Combined Log Format, not UTF-8, or longer than 64 KiB."""
    BAD_TIME = "bad_time"
    """The format is right, the time is none: 31 February, or an unknown month."""
    NOT_GET = "not_get"
    """Another method, HEAD included."""
    REDIRECT = "redirect"
    """3xx except 304: the page it leads to has its own line."""
    STATUS_ERROR = "status_error"
    """4xx or 5xx."""
    OTHER_STATUS = "other_status"
    """Neither 200 nor 304, nor one of the above: part of a file, no content."""
    BAD_TARGET = "bad_target"
    """A GET whose target is no path of this server: a proxy probe, control characters."""
    NOT_A_PAGE = "not_a_page"
    """For machines only: robots.txt, favicon, feeds, health checks, .well-known."""
    ASSET = "asset"
    """Image, style, script, font, data, download: by the extension of the path."""
    BOT = "bot"
    """The user agent is a robot's, or empty."""
    HEADLESS = "headless"
    """A browser without a person before it."""
    DATA_CENTER = "data_center"
    """The address is a hosting provider's."""
    EXCLUDED_ADDRESS = "excluded_address"
    """The site's settings leave the address out."""
    REFERRER_SPAM = "referrer_spam"
    """The referrer is one that is sent only to be seen in statistics."""
