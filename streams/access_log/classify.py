"""Which line is a page request, and if not, why not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streams.access_log.reasons import SkipReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.access_log.parse import LogLine

_PAGE_STATUSES = frozenset({200, 304})  # 304: the reader saw the page, from a cache
_REDIRECTS = range(300, 400)
_ERRORS = range(400, 600)

_IMAGES_AND_MEDIA = """
    avif bmp gif heic ico jpeg jpg jxl png svg svgz tif tiff webp
    avi flac m3u8 m4a m4v mov mp3 mp4 mpeg mpg oga ogg ogv opus ts wav weba webm
"""
_CODE_FONTS_AND_DATA = """
    css js map mjs wasm eot otf ttf woff woff2
    atom csv json jsonld rss txt vtt webmanifest xml xsl yaml yml
"""
_DOWNLOADS = """
    7z apk bin bz2 deb dmg doc docx epub exe gz iso jar msi odp ods odt pdf pkg ppt pptx rar rpm
    rtf tar tgz xls xlsx xz zip zst
"""
ASSET_EXTENSIONS = frozenset(f"{_IMAGES_AND_MEDIA} {_CODE_FONTS_AND_DATA} {_DOWNLOADS}".split())
# Only what no site would call a page of its own: `/health` may well be about health.
_MACHINE_PATH = re.compile(
    r"/(?:\.well-known|cdn-cgi|wp-json|wp-includes)/"
    r"|/(?:favicon\.ico|robots\.txt|ads\.txt|humans\.txt|sitemap\w*\.xml(?:\.gz)?)\Z"
    r"|/(?:feed|rss)/?\Z"
    r"|/(?:healthz|livez|readyz|server-status|nginx_status|stub_status)\Z"
    r"|/(?:xmlrpc|wp-cron|admin-ajax)\.php\Z",
    re.ASCII,
)
_UNFIT = re.compile(r"[\x00-\x20\x7f]")


def classify(line: LogLine, judge: Callable[[LogLine], SkipReason | None]) -> SkipReason | None:
    """Say why a line is no page request, or None if it is one.

    `judge` says of who asked for a page whether that counts; it is asked last, and only about user
    agents that are not empty.
    """
    if line.method != "GET":
        return SkipReason.NOT_GET
    if line.status not in _PAGE_STATUSES:
        return _status_reason(line.status)
    reason = _target_reason(line.target)
    if reason is not None:
        return reason
    return SkipReason.BOT if line.user_agent is None else judge(line)


def _status_reason(status: int) -> SkipReason:
    if status in _REDIRECTS:
        return SkipReason.REDIRECT
    return SkipReason.STATUS_ERROR if status in _ERRORS else SkipReason.OTHER_STATUS


def _target_reason(target: str) -> SkipReason | None:
    if not target.startswith("/") or _UNFIT.search(target):
        return SkipReason.BAD_TARGET
    path = target.partition("?")[0].partition("#")[0].lower()
    if _MACHINE_PATH.search(path):
        return SkipReason.NOT_A_PAGE
    return SkipReason.ASSET if _extension(path) in ASSET_EXTENSIONS else None


def _extension(path: str) -> str:
    """Give what follows the last dot of the last segment, path parameters (`;v=1`) left out."""
    _, dot, extension = path.rpartition("/")[2].partition(";")[0].rpartition(".")
    return extension if dot else ""
