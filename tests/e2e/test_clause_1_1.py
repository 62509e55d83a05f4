"""Everything that clause 1.1 of the privacy policy lists arrives, as a value from the real tag."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from processors.check import EVENT_TYPES
from streams.demo_site.visit import find_browser
from tests.support.browser import Stage, launch_browser, open_stage
from tests.support.services import Stack
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.browser]

PAGE = """
<main style="height: 3000px">
  <button>Add to basket</button>
  <a id=out href="https://partner.example.net/tea?ref=1">Partner</a>
  <a id=file href="/menu.pdf">Menu</a>
  <form name=contact onsubmit="return false"><input value="Oksana"><button>Send</button></form>
  <button onclick="history.pushState(null, '', '/guide#top')">Guide</button>
</main>
<script>
  for (const link of document.querySelectorAll('a')) {
    link.addEventListener('click', (event) => event.preventDefault());
  }
</script>
"""
KEYBOARD = """
Object.defineProperty(navigator, 'keyboard', { value: { getLayoutMap: async () => new Map(
  [...'йцукен'].map((letter, place) => ['Key' + 'QWERTY'[place], letter])) } });
"""
"""Chromium without a window knows no layout; the tag asks as it asks any other."""

CLAUSE: dict[str, str] = {
    "page views": "countIf(type = 'page_view' AND path IN ('/tea', '/guide')) = 2",
    "title of the page": "countIf(title = 'Page /tea') > 0",
    "click sequence": "groupArrayIf(target_label, type = 'click' AND target_label != '')"
    " = ['Add to basket', 'Partner', 'Menu', 'Send', 'Guide']",
    "kind of what was clicked": "groupUniqArrayIf(target_role, target_role != '')"
    " IN (['button', 'link'], ['link', 'button'])",
    "heat map": "minIf(x_permille, type = 'click') BETWEEN 0 AND 1000"
    " AND minIf(y_permille, type = 'click') BETWEEN 1 AND 999",
    "heat map's viewport": "uniqExact(viewport_class) = 1 AND any(viewport_class) = 'm'",
    "scroll depth": "maxIf(scroll_permille, type = 'page_end') > 500",
    "session: engaged time": "sumIf(engaged_ms, type IN ('engagement', 'page_end')) > 0",
    "session: one visitor": "uniqExact(visitor_hash) = 1 AND uniqExact(salt_segment) = 1",
    "session: page load and order": "uniqExact(page_load_hash) = 1 AND uniqExact(seq) = count()",
    "operating system": "any(os_family) = 'Linux' AND uniqExact(os_family) = 1",
    "browser": "any(browser_family) LIKE '%Chrome%' AND toUInt32OrZero(any(browser_major)) > 0",
    "device": "any(device_class) = 'desktop'",
    "resolution": "any(resolution_bucket) = 'm' AND uniqExact(resolution_bucket) = 1",
    "language": "any(language) = 'uk' AND uniqExact(language) = 1",
    "keyboard": "argMax(keyboard_class, seq) = 'cyrillic'",
    "source: referrer": "anyIf(referrer_host, referrer_host != '') = 'duckduckgo.com'",
    "source: channel": "anyIf(channel, channel != '') = 'email'",
    "source: campaign": "anyIf(utm_source, utm_source != '') = 'letter'",
    "outbound": "anyIf(tuple(link_host, link_path), type = 'outbound')"
    " = ('partner.example.net', '/tea')",
    "download": "anyIf(link_path, type = 'download') = '/menu.pdf'",
    "form": "anyIf(form_name, type = 'form_submit') = 'contact'",
    "custom event": "anyIf(custom_name, type = 'custom') = 'basket_filled'",
    "custom property": "anyIf(custom_properties['items'], type = 'custom') = '3'",
    "date and time": "max(received_at) > now() - INTERVAL 10 MINUTE"
    " AND min(event_time) > now() - INTERVAL 10 MINUTE AND min(event_time) <= max(received_at)",
    "day and hour": "min(site_day) >= today() - 1 AND any(site_hour) BETWEEN 0 AND 23",
    "how it came": "any(source) = 'tag' AND uniqExact(source) = 1",
}
"""What the clause lists, and what holds of the rows of one visit if it was collected."""
HITS = "SELECT * FROM staging.hit FINAL WHERE site = {site:String} ORDER BY seq"


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Serve a page."""
    if find_browser() is None:
        pytest.skip("chromium is not installed")
    with open_stage() as stage:
        yield stage


def visit(page: Page, address: str) -> None:
    """Do on one page all that the tag reports."""
    page.goto(f"{address}?utm_source=letter&utm_medium=email", referer="https://duckduckgo.com/")
    page.get_by_role("button", name="Add to basket").click()
    page.mouse.wheel(0, 1_500)
    page.wait_for_function("scrollY > 1000")
    page.evaluate("scrollTo(0, 0)")
    for selector in ("#out", "#file", "form button"):
        page.locator(selector).click()
    page.evaluate("hmara('event', 'basket_filled', { items: 3 })")
    page.get_by_role("button", name="Guide").click()


def test_each_thing_the_clause_lists_is_collected(
    make_stack: Callable[..., Stack], stage: Stage
) -> None:
    """One visit fills every field that the clause names, from the browser to ClickHouse."""
    stack = make_stack(origin=stage.site.url)
    collector_url = stack.start_collector()
    stack.start_worker()
    source = f'src="{collector_url}/tag.js" data-site="{stack.site}" data-ping-ms="1000"'
    head = f"<script async {source}></script>"
    address = stage.put_page("/tea", PAGE, head=head)
    with launch_browser() as browser:
        context = browser.new_context(
            locale="uk-UA",
            viewport={"width": 1280, "height": 800},
            screen={"width": 1366, "height": 768},
        )
        context.add_init_script(KEYBOARD)
        page = context.new_page()
        with page.expect_request(lambda request: '"engagement"' in (request.post_data or "")):
            visit(page, address)
        page.goto("about:blank")
        kinds = "SELECT uniqExact(type) FROM staging.hit FINAL WHERE site = {site:String}"
        wait_until(lambda: stack.ask(kinds) == [(len(EVENT_TYPES),)], "every kind is stored", 30)
        context.close()
    stack.wait_for_lag()
    (found,) = stack.ask(f"SELECT {', '.join(CLAUSE.values())} FROM ({HITS})")
    missing = [name for name, is_there in zip(CLAUSE, found, strict=True) if not is_there]
    assert not missing
