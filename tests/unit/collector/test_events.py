"""Every kind of event, of tag and pixel: what is stored of it, and what is dropped."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import REGISTRY

from processors.reasons import DropReason
from streams.collector.problems import Problem, Reason
from streams.collector.redaction import phones
from streams.collector.redaction.budget import MAX_CHARS, MAX_CHECKS
from tests.support.collector import ORIGIN, SITE, make_view
from tests.support.events import Datum
from tests.support.service_bench import PAGE, Bench, make_client

SPAM = "https://semalt.com/"


KINDS: list[tuple[Datum, Datum]] = [
    (
        {
            "type": "page_view",
            "title": "Tea for olena@example.org",
            "referrer": "https://duckduckgo.com/?q=tea",
        },
        {"title": "Tea for [email]", "referrer_host": "duckduckgo.com", "channel": "search"},
    ),
    (
        {"type": "click", "target_role": "link", "target_label": "Call +380 67 123 45 67"},
        {"target_role": "link", "target_label": "Call [phone]", "x_permille": -1},
    ),
    ({"type": "engagement", "engaged_ms": 7}, {"engaged_ms": 7, "scroll_permille": -1}),
    (
        {"type": "page_end", "engaged_ms": 7, "scroll_permille": 830},
        {"engaged_ms": 7, "scroll_permille": 830},
    ),
    (
        {"type": "outbound", "link": "https://user:pw@Example.net:8443/a/olena@example.org?q=1#x"},
        {"link_host": "example.net", "link_path": "/a/[email]"},
    ),
    (
        {"type": "download", "link": f"{ORIGIN}/files/menu.pdf?sid=1"},
        {"link_host": "www.example.org", "link_path": "/files/menu.pdf"},
    ),
    ({"type": "form_submit", "form_name": "contact"}, {"form_name": "contact"}),
    (
        {
            "type": "custom",
            "name": "cart_filled",
            "properties": {
                "items": 3,
                "total": 12.5,
                "gift": True,
                "to": "olena@example.org",
                "card": 4111111111111111,
            },
        },
        {
            "custom_name": "cart_filled",
            "custom_properties": {
                "items": "3",
                "total": "12.5",
                "gift": "true",
                "to": "[email]",
                "card": "[card]",
            },
        },
    ),
]


@pytest.mark.parametrize(("sent", "stored"), KINDS, ids=[str(sent["type"]) for sent, _ in KINDS])
async def test_each_kind_is_stored_redacted(bench: Bench, sent: Datum, stored: Datum) -> None:
    """Each kind of event keeps its own fields, redacted, and no other kind's."""
    accepted = await bench.send({"seq": 4, "url": f"{PAGE}?page=2&sid=abc", **sent})
    assert (accepted.count, accepted.dropped) == (1, {})
    (event,) = bench.sink.events()
    assert {name: event[name] for name in stored} == stored
    assert (event["type"], event["path"], event["query"]) == (sent["type"], "/tea", "page=2")
    (other,) = [
        {name: value for name, value in event.items() if name not in stored and name in OWN_FIELDS}
    ]
    assert set(map(str, other.values())) <= {"", "-1", "0", "{}", "direct"}


OWN_FIELDS = {name for _, stored in KINDS for name in stored}


async def test_what_a_browser_tells_of_itself_is_kept_in_classes(bench: Bench) -> None:
    """Language, sizes and keyboard travel with each event, as classes."""
    await bench.send(
        make_view(), language="uk-UA", screen=[1920, 1080], viewport=[390, 844], keyboard="cyrillic"
    )
    (event,) = bench.sink.events()
    found = {
        name: event[name]
        for name in ("language", "resolution_bucket", "viewport_class", "keyboard_class")
    }
    assert found == {
        "language": "uk",
        "resolution_bucket": "l",
        "viewport_class": "xs",
        "keyboard_class": "cyrillic",
    }


async def test_eight_events_share_a_hash_and_no_key(bench: Bench) -> None:
    """Row keys of one page load differ for each seq, in a block and beyond; a retry's agree."""
    events = [make_view(seq=seq) for seq in (0, 1, 6, 7, 8, 9, 15, 16, 1_000_000)]
    await bench.send(*events)
    await bench.send(*reversed(events))
    keys = [event["hit_key"] for event in bench.sink.events()]
    assert len(set(keys)) == len(events)
    assert keys[: len(events)] == keys[len(events) :][::-1]


DROPS: list[tuple[DropReason, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    (DropReason.OPTED_OUT, {}, {"choice": "out"}, {}),
    (DropReason.OPTED_OUT, {"has_opted_out": True}, {}, {}),
    (DropReason.BOT, {"user_agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}, {}, {}),
    (DropReason.BOT, {"user_agent": ""}, {}, {}),
    (DropReason.HEADLESS, {"is_headless": True}, {}, {}),
    (DropReason.HEADLESS, {}, {"webdriver": True}, {}),
    (DropReason.EXCLUDED_ADDRESS, {}, {}, {"excluded": (ip_network("176.36.0.0/16"),)}),
]


@pytest.mark.parametrize(("reason", "client", "fields", "site"), DROPS)
async def test_what_is_dropped_is_counted_and_not_sent(
    volatile: Path,
    reason: DropReason,
    client: dict[str, Any],
    fields: dict[str, Any],
    site: dict[str, Any],
) -> None:
    """A dropped request names its reason and the number of its events; nothing of it is sent."""
    bench = Bench(volatile, replace(SITE, **site))
    events = [make_view(), make_view(seq=1)]
    accepted = await bench.send(*events, client=make_client(**client), **fields)
    assert (accepted.count, accepted.dropped) == (0, {reason: 2})
    assert accepted.durable is None
    assert bench.sink.sent == []


async def test_spam_in_the_referrer_drops_the_request(bench: Bench) -> None:
    """One view with a spamming referrer drops all that came with it; an honest one does not."""
    accepted = await bench.send(make_view(), make_view(seq=1, referrer=SPAM))
    assert accepted.dropped == {DropReason.REFERRER_SPAM: 2}
    assert bench.sink.sent == []
    assert (await bench.send(make_view(referrer="https://example.net/"))).count == 1


async def test_a_site_may_keep_headless_browsers(volatile: Path) -> None:
    """The headless rule is the site's to switch off."""
    bench = Bench(volatile, replace(SITE, keep_headless=True))
    accepted = await bench.send(make_view(), webdriver=True, client=make_client(is_headless=True))
    assert accepted.count == 1


def read_signal(name: str) -> float:
    """Return how often a wish was counted."""
    return REGISTRY.get_sample_value("hmara_collector_signals_total", {"signal": name}) or 0.0


async def test_wishes_are_counted(bench: Bench) -> None:
    """GPC and DNT are heard, and what asks nobody is no signal."""
    before = [read_signal(name) for name in ("gpc", "dnt")]
    await bench.send(make_view(), gpc=True)
    await bench.send(make_view(seq=1), gpc=True, dnt=True)
    await bench.send(make_view(seq=2))
    assert [read_signal(name) for name in ("gpc", "dnt")] == [before[0] + 2, before[1] + 1]
    assert len(bench.sink.events()) == 3


@pytest.mark.parametrize(
    ("referrer", "query", "channel"),
    [
        ("", "", "direct"),
        ("https://www.google.com/", "", "search"),
        ("https://chatgpt.com/", "", "assistant"),
        (f"{ORIGIN}/home", "", ""),
        (f"{ORIGIN}/home", "?utm_source=mail&utm_medium=email", "email"),
        ("", "?gclid=x", "campaign"),
        (f"{ORIGIN}/home", "?utm_campaign=spring", "campaign"),
        (f"{ORIGIN}/home", "?utm_source=", ""),
        ("", "?utm%5Fsource=news&utm%5Fmedium=email", "email"),
        ("https://example.net/post", "", "referral"),
    ],
)
async def test_a_view_has_a_channel(bench: Bench, referrer: str, query: str, channel: str) -> None:
    """Where a view came from is one channel; a view from within the site has none."""
    await bench.send(make_view(url=f"{PAGE}{query}", referrer=referrer))
    assert bench.sink.events()[0]["channel"] == channel


async def test_a_pixel_is_a_page_view(bench: Bench) -> None:
    """The pixel's path becomes a view of source `pixel`; each request is a page load of its own."""
    for _ in range(2):
        await bench.settle(
            bench.service.accept_pixel(b"site=demo&path=/about%20us/o@example.org", make_client())
        )
    first, second = bench.sink.events()
    assert (first["type"], first["source"], first["path"]) == (
        "page_view",
        "pixel",
        "/about%20us/[email]",
    )
    assert first["channel"] == "", "nobody knows where its visitor came from"
    assert first["hit_key"] != second["hit_key"]
    assert first["page_load_hash"] != second["page_load_hash"]
    assert first["visitor_hash"] == second["visitor_hash"]


@pytest.mark.parametrize(
    ("query", "origin", "reason"),
    [
        (b"", ORIGIN, Reason.UNKNOWN_SITE),
        (b"site=demo", ORIGIN, Reason.INVALID_URL),
        (b"site=demo&path=about", ORIGIN, Reason.INVALID_URL),
        (b"site=demo&path=/" + b"x" * 2_048, ORIGIN, Reason.INVALID_URL),
        (b"site=other&path=/", ORIGIN, Reason.UNKNOWN_SITE),
        (b"site=demo&path=/", "https://example.net", Reason.WRONG_ORIGIN),
        (b"site=demo&path=/%ff", ORIGIN, Reason.INVALID_FIELD),
        (b"site=demo&path=\xff", ORIGIN, Reason.INVALID_FIELD),
        (b"&".join([b"a=b"] * 20), ORIGIN, Reason.INVALID_FIELD),
    ],
)
def test_a_bad_pixel_is_refused(bench: Bench, query: bytes, origin: str, reason: Reason) -> None:
    """A pixel without a site, with a path that is none or from elsewhere stores nothing."""
    with pytest.raises(Problem) as caught:
        bench.service.accept_pixel(query, make_client(origin=origin))
    assert caught.value.reason is reason
    assert bench.sink.sent == []


async def test_a_user_agent_brings_no_text_of_its_own(bench: Bench) -> None:
    """Families come out of a closed set: whatever else a client calls itself is `Other`."""
    for agent in (
        "jane.doe@example.com/1.0 CFNetwork/1410 Darwin/22.6.0 AppleWebKit/1",
        "Jane Doe 203.0.113.7/1.0 CFNetwork/1410 Darwin/22.6.0 Gecko/1",
    ):
        await bench.send(make_view(), client=make_client(user_agent=agent))
    for event in bench.sink.events():
        assert event["browser_family"] == "Other"
        assert "Jane" not in str(event)
        assert "example.com" not in str(event)


async def test_properties_that_redact_alike_keep_their_values(bench: Bench) -> None:
    """Two keys that become one mark stay two entries."""
    await bench.send(
        {
            "type": "custom",
            "seq": 0,
            "url": PAGE,
            "name": "sent",
            "properties": {"a@example.org": 1, "b@example.org": 2},
        }
    )
    assert bench.sink.events()[0]["custom_properties"] == {"[email]": "1", "[email]'": "2"}


async def test_a_number_in_a_link_is_what_its_host_says(bench: Bench) -> None:
    """A path is looked at together with its host, and an address is one however it is written."""
    links = ("https://wa.me/4915123456789", "http://3232235777/x", "https://not a host/x")
    kinds = [
        {"type": "outbound", "seq": seq, "url": PAGE, "link": link}
        for seq, link in enumerate(links)
    ]
    with pytest.raises(Problem):
        await bench.send(kinds[2])
    await bench.send(*kinds[:2])
    assert [(event["link_host"], event["link_path"]) for event in bench.sink.events()] == [
        ("wa.me", "/[phone]"),
        ("[ip]", "/x"),
    ]


async def test_an_hour_is_right_whenever_clocks_change(volatile: Path) -> None:
    """Also in zones whose clock was changed a minute past the hour."""
    site = replace(SITE, zone=ZoneInfo("Antarctica/Casey"))
    bench = Bench(volatile, site)
    bench.clock.now = datetime(2022, 10, 1, 16, 0, 30, tzinfo=UTC)
    await bench.send(make_view())
    bench.clock.move(minutes=2)
    await bench.send(make_view(seq=1))
    hours = [event["site_hour"] for event in bench.sink.events()]
    expected = [
        datetime(2022, 10, 1, 16, minute, 30, tzinfo=UTC).astimezone(site.zone).hour
        for minute in (0, 2)
    ]
    assert hours == expected
    assert len(set(expected)) == 2


async def test_what_one_request_may_cost_is_bounded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many texts a request has, a bounded part of them is looked through; the rest goes."""
    checked: list[str] = []

    def check(number: str, region: str | None) -> bool:
        del region
        checked.append(number)
        return False

    monkeypatch.setattr(phones, "_is_valid", check)
    flood = [
        {
            "type": "custom",
            "seq": seq,
            "url": PAGE,
            "name": "flood",
            "properties": {f"k{key}": f"+{seq:03}{key:08}" for key in range(20)},
        }
        for seq in range(90)
    ]
    await bench.send(*flood)
    assert 0 < len(checked) <= MAX_CHECKS
    values = [
        value for event in bench.sink.events() for value in event["custom_properties"].values()
    ]
    assert {"[token]"} == set(values[MAX_CHARS:]) | {"[token]"}
    assert values[-1] == "[token]"
    await bench.settle(bench.service.accept_pixel(b"site=demo&path=/o@example.org", make_client()))
    assert bench.sink.events()[-1]["path"] == "/[email]", "so has a pixel after it its own"
    checked.clear()
    await bench.send(make_view(title="+12345678901"))
    assert checked, "the next request has a budget of its own"
