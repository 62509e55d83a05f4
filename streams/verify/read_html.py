"""The look at a page without a browser: its HTML, and whether the script's address answers."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin

import httpx

from streams.verify.observation import Observation, Outcome, ScriptElement
from streams.version import VERSION

_MAX_PAGE_BYTES: Final = 4 << 20
_USER_AGENT: Final = f"hmara/{VERSION} (sites verify)"


def read_html(page_url: str, site_id: str, timeout_s: float, unseen: str) -> Observation:
    """Fetch a page and look for the tag's element; `unseen` says why no browser does."""
    with httpx.Client(
        follow_redirects=True, timeout=timeout_s, headers={"user-agent": _USER_AGENT}
    ) as client:
        try:
            with client.stream("GET", page_url) as answer:
                found, text = str(answer.url), _read_bounded(answer)
                page = Outcome(answer.status_code)
        except httpx.HTTPError as error:
            return Observation(page_url, Outcome(failure=_describe(error)), unseen=unseen)
        elements = find_elements(text, found)
        element = next((each for each in elements if each.site == site_id), None)
        script = _fetch_script(client, element.src) if element and element.src else None
    return Observation(found, page, elements, script, unseen=unseen)


def find_elements(html: str, page_url: str) -> tuple[ScriptElement, ...]:
    """Return the script elements of a page that name a site, in their order."""
    parser = _ScriptParser(page_url)
    parser.feed(html)
    parser.close()
    return tuple(parser.found)


def _read_bounded(answer: httpx.Response) -> str:
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) >= _MAX_PAGE_BYTES:
            break
    whole = bytes(body[:_MAX_PAGE_BYTES])
    try:
        return whole.decode(answer.charset_encoding or "utf-8", errors="replace")
    except LookupError:  # an encoding that nobody knows
        return whole.decode("utf-8", errors="replace")


def _fetch_script(client: httpx.Client, url: str) -> Outcome:
    try:
        with client.stream("GET", url) as answer:
            return Outcome(answer.status_code)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Outcome(failure=_describe(error))


def _describe(error: Exception) -> str:
    return str(error) or type(error).__name__


def _join(base: str, address: str) -> str:
    """Return an address of a page in full; one that can not be read stays as it is written."""
    try:
        return urljoin(base, address)
    except ValueError:
        return address


class _ScriptParser(HTMLParser):
    def __init__(self, page_url: str) -> None:
        super().__init__()
        self._base = page_url
        self.found: list[ScriptElement] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "base" and values.get("href"):
            self._base = _join(self._base, values["href"])
        if tag == "script" and "data-site" in values:
            src = values.get("src", "")
            element = ScriptElement(
                values["data-site"],
                _join(self._base, src) if src else "",
                values.get("data-endpoint", ""),
                values.get("type", ""),
            )
            self.found.append(element)
