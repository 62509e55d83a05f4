"""`python -m tests.bench.tag_trace`: how long the tag keeps a page's main thread busy.

Each kind of event is made some hundred times by a real browser, with Chromium's profiler sampling
and its tracing on. The profiler gives the tag's time with all that it calls (layouts it forces and
requests it makes included), also inside of the page's own calls, as `pushState` is; what that does
for the page itself is not the tag's. The trace gives each single call of the tag by the browser.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from statistics import quantiles
from typing import TYPE_CHECKING, Any, Final

from tests.support.browser import launch_browser, open_stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

    from tests.support.browser import Stage

_TAG_FILE: Final = "/tag.js"
_SAMPLE_US: Final = 50
_TIMES: Final = 200
_WARM_UP_TIMES: Final = 20
_BODY: Final = """
  <style>p { height: 40px }</style>
  <main></main>
  <a id=link href="http://elsewhere.example/list.pdf"><span>A list</span></a>
  <form name=letter><button id=send>Send</button></form>
  <script>
    for (const type of ["click", "submit"]) {
      addEventListener(type, (event) => event.preventDefault());
    }
  </script>
"""
_FILL: Final = """(count) => {
  const paragraph = () => Object.assign(document.createElement("p"), {textContent: "text"});
  document.querySelector("main").append(...Array.from({length: count}, paragraph));
}"""
_NAVIGATE: Final = "(n) => history.pushState(null, '', '/page/' + n)"
_CALL: Final = "(n) => hmara('event', 'sold', {price: n, size: 'L', gift: true})"


@dataclass(frozen=True, slots=True)
class Cost:
    """What the tag did while one kind of event was made so often."""

    name: str
    times: int
    events: int
    total_us: float
    calls_us: tuple[float, ...]

    @property
    def each_us(self) -> float:
        """The tag's time on the main thread each time, sending included."""
        return self.total_us / self.times


def measure(
    page: Page, stage: Stage, name: str, act: Callable[[int], object], times: int = _TIMES
) -> Cost:
    """Do `act` so often in an open page, and return what that cost."""
    for n in range(_WARM_UP_TIMES):
        act(n)
    _settle(page, stage)
    before = len(stage.recorder.events())
    browser = page.context.browser
    assert browser is not None
    developer = page.context.new_cdp_session(page)
    developer.send("Profiler.enable")
    developer.send("Profiler.setSamplingInterval", {"interval": _SAMPLE_US})
    browser.start_tracing(page=page, categories=["devtools.timeline"])
    developer.send("Profiler.start")
    for n in range(times):
        act(_WARM_UP_TIMES + n)
    _settle(page, stage)
    profile = developer.send("Profiler.stop")["profile"]
    trace = json.loads(browser.stop_tracing())
    developer.detach()
    events = len(stage.recorder.events()) - before
    return Cost(name, times, events, _sum_tag_us(profile), tuple(_find_calls_us(trace)))


def open_page(browser: Browser, stage: Stage, paragraphs: int) -> Page:
    """Open a page of so many paragraphs with the tag on it."""
    page = browser.new_page()
    page.goto(stage.put_page("/page", _BODY))
    page.wait_for_function("window.hmaraSites")
    page.evaluate(_FILL, paragraphs)
    return page


def kinds_of(page: Page) -> dict[str, Callable[[int], object]]:
    """Return what to do for each kind of event: real input where there is any."""
    return {
        "click on nothing": lambda n: page.mouse.click(300, 5 + n % 30),
        "click on a link that leads away": lambda _: page.click("#link"),
        "form submitted": lambda _: page.click("#send"),
        "navigation within the page": lambda n: page.evaluate(_NAVIGATE, n),
        "event of the page's own": lambda n: page.evaluate(_CALL, n),
        "scrolling (reported at the end)": lambda n: page.mouse.wheel(0, 200 if n % 2 else -200),
    }


def _settle(page: Page, stage: Stage) -> None:
    """Wait until all that was reported so far has been sent."""

    def count_marks() -> int:
        return sum(event["name"] == "settled" for event in stage.recorder.events("custom"))

    before = count_marks()
    page.evaluate("hmara('event', 'settled')")
    stage.recorder.wait_until(lambda: count_marks() > before)


def _sum_tag_us(profile: dict[str, Any]) -> float:
    """Sum the samples that were taken in the tag, or in anything that it had called."""
    is_tags: dict[int, bool] = {}
    waiting = [(profile["nodes"][0]["id"], False)]
    nodes = {node["id"]: node for node in profile["nodes"]}
    while waiting:
        number, is_parents = waiting.pop()
        node = nodes[number]
        frame = node["callFrame"]
        is_pages = not frame["url"] and frame["functionName"] in {"pushState", "replaceState"}
        is_tags[number] = (is_parents or frame["url"].endswith(_TAG_FILE)) and not is_pages
        waiting += [(child, is_tags[number]) for child in node.get("children", [])]
    pairs = zip(profile["samples"], profile["timeDeltas"], strict=True)
    return float(sum(delta for number, delta in pairs if is_tags[number]))


def _find_calls_us(trace: dict[str, Any]) -> list[float]:
    """Return how long each call of the tag by the browser took, longest last."""
    return sorted(
        float(event["dur"])
        for event in trace["traceEvents"]
        if event["name"] == "FunctionCall"
        and event.get("args", {}).get("data", {}).get("url", "").endswith(_TAG_FILE)
    )


def _to_row(cost: Cost) -> str:
    calls = cost.calls_us
    cuts = quantiles(calls, n=100) if len(calls) > 1 else [0.0] * 99
    return (
        f"{cost.name:36}{cost.times:6}{cost.events:8}{cost.each_us:12.0f}"
        f"{len(calls):8}{cuts[49]:8.0f}{cuts[98]:8.0f}{max(calls, default=0):8.0f}\n"
    )


def main() -> int:
    """Print one line for each kind of event."""
    write = sys.stdout.write
    write(f"{'':62}{'single calls of the tag, µs':>32}\n")
    write(f"{'':36}{'times':>6}{'events':>8}{'each, µs':>12}{'number':>8}")
    write(f"{'p50':>8}{'p99':>8}{'max':>8}\n")
    with open_stage() as stage, launch_browser() as browser:
        for paragraphs in (100, 20_000):
            write(f"a page of {paragraphs} paragraphs, Chromium {browser.version}\n")
            page = open_page(browser, stage, paragraphs)
            for name, act in kinds_of(page).items():
                write(_to_row(measure(page, stage, name, act)))
            page.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
