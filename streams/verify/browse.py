"""The look at a page with the machine's Chromium, as it is: no false user agent, nothing hidden."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from streams.demo_site.visit import browser_arguments, find_browser
from streams.verify.observation import NotSeenError, Observation, Outcome, ScriptElement, Sent

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, ConsoleMessage, Page, Request, Response

_POLL_MS: Final = 50
_MS: Final = 1_000
_LATE_SCRIPT_S: Final = 5.0
"""Some pages put their scripts in only after they have loaded."""
_NET_ERROR: Final = re.compile(r"net::[A-Z_]+")
_POLICY: Final = "Content Security Policy"
_REPORT_ONLY: Final = re.compile(r"report[- ]only", re.IGNORECASE)
_ANSWERS_TO_EVENTS: Final = [
    {"requestStage": "Response", "resourceType": kind} for kind in ("XHR", "Fetch", "Ping", "Other")
]
_READ_ELEMENTS: Final = """
() => [...document.querySelectorAll("script[data-site]")].map((script) => ({
  site: script.dataset.site, src: String(script.src || ""),
  endpoint: script.dataset.endpoint || "", type: String(script.type || ""),
}))
"""


def browse(page_url: str, site_id: str, timeout_s: float) -> Observation:
    """Open a page and watch until the tag's first request has ended, or can not come any more.

    Raises:
        NotSeenError: there is no browser, or it does not start.
    """
    executable = find_browser()
    if executable is None:
        message = "no browser was found: install the package chromium"
        raise NotSeenError(message)
    try:
        from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 - may be absent
    except ImportError:
        message = "no browser driver was found: install the Python package playwright"
        raise NotSeenError(message) from None
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=executable, args=browser_arguments(), timeout=timeout_s * _MS
            )
            try:
                return _watch(browser.new_page(), _Watch(site_id), page_url, timeout_s)
            finally:
                browser.close()
    except Error as error:
        message = f"the browser failed: {error.message.splitlines()[0]}"
        raise NotSeenError(message) from None


class _Event(msgspec.Struct, frozen=True):
    url: str


class _Body(msgspec.Struct, frozen=True):
    """As much of the tag's body as tells it from those of other scripts."""

    site: str
    page_load_id: str
    events: list[_Event]


@dataclass  # no slots: playwright leaves a mark on the owner of a handler
class _Watch:
    """What the page's events have told so far."""

    site_id: str
    scripts: dict[str, Outcome] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    loaded_at: float | None = None

    def listen(self, page: Page) -> None:
        page.on("response", self._note_response)
        page.on("requestfailed", self._note_failure)
        page.on("console", self._note_console)
        page.on("load", lambda _: self._note_load())
        # The tag does not read the answers to its events, and may not read all of them; so they
        # are read here, on their way into the page.
        session = page.context.new_cdp_session(page)
        session.on("Fetch.requestPaused", lambda paused: self._note_answer(session, paused))
        session.send("Fetch.enable", {"patterns": _ANSWERS_TO_EVENTS})

    def _note_response(self, response: Response) -> None:
        if response.request.resource_type == "script":
            self.scripts[_first_url(response.request)] = Outcome(response.status)

    def _note_failure(self, request: Request) -> None:
        outcome = Outcome(failure=request.failure or "")
        if request.resource_type == "script":
            self.scripts[_first_url(request)] = outcome
        elif request.method == "POST":
            self._note_sent(request.post_data_buffer or b"", outcome)

    def _note_answer(self, session: CDPSession, paused: Mapping[str, Any]) -> None:
        request_id = {"requestId": paused["requestId"]}
        try:
            status = paused.get("responseStatusCode")
            if paused["request"]["method"] == "POST" and status:
                answer = session.send("Fetch.getResponseBody", request_id)
                outcome = Outcome(status, content=_decode_object(_decode_answer(answer)))
                self._note_sent(paused["request"].get("postData", "").encode(), outcome)
        finally:
            session.send("Fetch.continueRequest", request_id)

    def _note_sent(self, body: bytes, outcome: Outcome) -> None:
        try:
            sent = msgspec.json.decode(body, type=_Body)
        except msgspec.DecodeError:  # another script's
            return
        if sent.site == self.site_id and sent.events:
            self.sent.append(Sent(len(sent.events), sent.events[0].url, outcome))

    def _note_console(self, message: ConsoleMessage) -> None:
        if _POLICY in message.text and not _REPORT_ONLY.search(message.text):
            self.violations.append(message.text)

    def _note_load(self) -> None:
        self.loaded_at = time.monotonic()


def _watch(page: Page, watch: _Watch, page_url: str, timeout_s: float) -> Observation:
    deadline = time.monotonic() + timeout_s
    watch.listen(page)
    answer = _open(page, page_url, timeout_s)
    if answer.status is None:
        return Observation(page_url, answer)
    elements: list[ScriptElement] = []

    def has_element() -> bool:
        elements[:] = _read_elements(page)
        is_there = any(element.site == watch.site_id for element in elements)
        is_late = watch.loaded_at and time.monotonic() > watch.loaded_at + _LATE_SCRIPT_S
        return is_there or bool(is_late)

    _wait(page, has_element, deadline)
    element = next((each for each in elements if each.site == watch.site_id), None)
    if element is not None:
        _wait(page, lambda: _is_over(watch, element), deadline)
    return Observation(
        page.url,
        answer,
        tuple(elements),
        watch.scripts.get(element.src) if element else None,
        tuple(_about(watch.violations, element)) if element else (),
        watch.sent[0] if watch.sent else None,
    )


def _open(page: Page, url: str, timeout_s: float) -> Outcome:
    from playwright.sync_api import Error  # noqa: PLC0415 - it was imported before

    try:
        answer = page.goto(url, wait_until="domcontentloaded", timeout=timeout_s * _MS)
    except Error as error:
        named = _NET_ERROR.search(error.message)
        return Outcome(failure=named[0] if named else error.message.splitlines()[0])
    return Outcome(answer.status) if answer else Outcome(failure="it is no page")


def _wait(page: Page, is_met: Callable[[], bool], deadline: float) -> None:
    while not is_met() and time.monotonic() < deadline:
        page.wait_for_timeout(_POLL_MS)


def _read_elements(page: Page) -> list[ScriptElement]:
    from playwright.sync_api import Error  # noqa: PLC0415 - it was imported before

    try:
        return msgspec.convert(page.evaluate(_READ_ELEMENTS), list[ScriptElement])
    except Error:  # the page is just being left for another one
        return []


def _is_over(watch: _Watch, element: ScriptElement) -> bool:
    script = watch.scripts.get(element.src)
    is_refused = script is not None and not script.is_good
    return bool(watch.sent) or is_refused or bool(_about(watch.violations, element))


def _about(violations: list[str], element: ScriptElement) -> list[str]:
    """Return the violations that concern the tag, each once."""
    addresses = (element.src, element.endpoint_url)
    return [
        text
        for text in dict.fromkeys(violations)
        if any(address and address in text for address in addresses)
    ]


def _decode_answer(answer: Mapping[str, Any]) -> bytes:
    body: str = answer["body"]
    return base64.b64decode(body) if answer["base64Encoded"] else body.encode()


def _decode_object(body: bytes) -> dict[str, object]:
    """Return a decoded body; {} if it is no JSON object."""
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except msgspec.DecodeError:
        return {}


def _first_url(request: Request) -> str:
    """Return the address that the page asked for, before any redirect."""
    while request.redirected_from is not None:
        request = request.redirected_from
    return request.url
