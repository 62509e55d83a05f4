"""Visits to the demo site by a real browser that goes about it like a person."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING, Literal

from streams.demo_site.counting_proxy import Counts, run_counting_proxy

if TYPE_CHECKING:
    import asyncio

    from playwright.async_api import Browser, Page

BROWSER_NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER_ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

_STEP_WITHIN_MS = 10_000
_READING_MS = 600
_LAST_EVENTS_WITHIN_S = 5.0

Verb = Literal["open", "link", "tab", "button", "summary", "type", "choose", "scroll", "back"]
Step = tuple[Verb, str]

# What four kinds of visitor do. Names are those a person reads on the page.
ITINERARIES: tuple[tuple[Step, ...], ...] = (
    (
        ("open", "/"),
        ("scroll", "400"),
        ("link", "On water Why the same leaves"),
        ("scroll", "900"),
        ("link", "a map of hard water"),
        ("scroll", "2400"),
        ("link", "The tea we drank meanwhile"),
        ("summary", "What is in it"),
        ("button", "Add to basket"),
    ),
    (
        ("open", "/products"),
        ("link", "Ash-glaze cup"),
        ("choose", "Slate"),
        ("button", "Add to basket"),
        ("scroll", "300"),
        ("link", "mountain herb tea"),
        ("back", ""),
    ),
    (
        ("open", "/guide"),
        ("tab", "Green"),
        ("tab", "Oolong"),
        ("link", "a card with all four"),
        ("back", ""),
        ("link", "Journal"),
        ("scroll", "1200"),
    ),
    (
        ("open", "/?utm_source=newsletter&utm_campaign=spring"),
        ("link", "Contact"),
        ("type", "Oksana Example"),
        ("button", "Send"),
        ("link", "Back to the start"),
        ("link", "How to brew"),
        ("tab", "Herbs"),
    ),
)
# Language and window of each visitor, so that devices and languages differ.
VISITORS = (
    ("uk-UA", 1280, 800),
    ("en-GB", 1440, 900),
    ("uk-UA", 390, 844),
    ("pl-PL", 1920, 1080),
    ("de-DE", 820, 1180),
)


@dataclass(frozen=True, slots=True)
class VisitReport:
    """What the visits came to; `problem` says in one sentence why there were fewer than asked.

    `events_accepted` is the sum of `accepted` in the collector's answers; `events_repeated` of
    them had been accepted before, under the same ids, and are no rows of their own.
    """

    visits: int = 0
    steps: int = 0
    events_accepted: int = 0
    events_repeated: int = 0
    requests_answered: int = 0
    requests_refused: int = 0
    requests_unanswered: int = 0
    problem: str | None = None


@dataclass(slots=True)
class _Progress:
    visits: int = 0
    steps: int = 0


def find_browser() -> str | None:
    """Return the path of the first Chromium on PATH."""
    return next((path for name in BROWSER_NAMES if (path := shutil.which(name))), None)


def browser_arguments() -> list[str]:
    """Return the switches that keep the browser quiet, and able to start as root."""
    # Chromium's sandbox refuses to run as root, which is what one is in most containers.
    return [*BROWSER_ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


async def visit(base_url: str, *, visits: int, stop: asyncio.Event) -> VisitReport:
    """Visit the site at `base_url` so often, or until `stop` is set, one visitor after another.

    Nothing is raised for a browser that is absent or fails: the report says so.
    """
    executable = find_browser()
    if executable is None:
        return VisitReport(problem="no browser was found: install the package chromium")
    try:
        from playwright.async_api import Error, async_playwright  # noqa: PLC0415 - may be absent
    except ImportError:
        return VisitReport(problem="no browser driver was found: install the package playwright")

    progress = _Progress()
    problem = None
    async with run_counting_proxy() as proxy:
        try:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path=executable,
                    args=browser_arguments(),
                    # Chromium goes past a proxy for loopback addresses unless it is told not to.
                    proxy={"server": f"http://127.0.0.1:{proxy.port}", "bypass": "<-loopback>"},
                    handle_sigint=False,
                    handle_sigterm=False,
                    handle_sighup=False,
                )
                await _make_visits(browser, base_url, visits, stop, progress)
                # The requests of the page left last are under way when its tab is gone.
                await proxy.wait_until_idle(_LAST_EVENTS_WITHIN_S)
                await browser.close()
        except Error as error:
            problem = f"the browser failed: {error.message.splitlines()[0]}"
        await proxy.wait_until_idle(_LAST_EVENTS_WITHIN_S)
    return _to_report(progress, proxy.counts, problem)


async def _make_visits(
    browser: Browser, base_url: str, visits: int, stop: asyncio.Event, progress: _Progress
) -> None:
    people = zip(cycle(VISITORS), cycle(ITINERARIES), strict=False)
    for (locale, width, height), itinerary in islice(people, visits):
        # A context of its own is a browser that has never been here.
        context = await browser.new_context(
            locale=locale, viewport={"width": width, "height": height}
        )
        page = await context.new_page()
        page.set_default_timeout(_STEP_WITHIN_MS)
        for step in itinerary:
            if stop.is_set():
                break
            await _take(page, base_url, step)
            await page.wait_for_timeout(_READING_MS)
            progress.steps += 1
        await page.goto("about:blank")
        await context.close()
        if stop.is_set():
            return
        progress.visits += 1


async def _take(page: Page, base_url: str, step: Step) -> None:
    verb, target = step
    match verb:
        case "open":
            await page.goto(base_url.rstrip("/") + target)
        case "link" | "tab" | "button":
            await page.get_by_role(verb, name=target).first.click()
        case "summary":
            await page.get_by_text(target).click()
        case "type":
            await page.get_by_label("Your name").click()
            await page.keyboard.type(target, delay=30)
        case "choose":
            await page.locator("select").select_option(target)
        case "scroll":
            await page.mouse.wheel(0, float(target))
        case "back":
            await page.go_back()


def _to_report(progress: _Progress, counts: Counts, problem: str | None) -> VisitReport:
    return VisitReport(
        visits=progress.visits,
        steps=progress.steps,
        events_accepted=counts.events_accepted,
        events_repeated=counts.events_repeated,
        requests_answered=counts.requests_answered,
        requests_refused=counts.requests_refused,
        requests_unanswered=counts.requests_unanswered,
        problem=problem,
    )
