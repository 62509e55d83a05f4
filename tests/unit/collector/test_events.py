"""Every kind of event, of tag, pixel and server: what is stored of it, and what is dropped."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY

from processors.reasons import DropReason
from streams.collector.client import Client
from streams.collector.minimise import pack_address
from streams.collector.problems import Problem, Reason
from streams.collector.service import Accepted, CollectorService
from streams.collector.sites import Site, Sites
from tests.support.collector import (
    CHROME,
    ORIGIN,
    SITE,
    WRITE_KEY,
    Clock,
    MemorySink,
    make_body,
    make_collector_service,
    make_view,
)
from tests.support.events import Datum

PAGE = f"{ORIGIN}/tea"
SPAM = "https://semalt.com/"
ADDRESS = pack_address("176.36.1.2") or b""
SHOP = replace(SITE, query_parameters=frozenset({"page"}))


class Bench:
    """A service over a sink of memory, for one site."""

    def __init__(self, volatile: Path, site: Site = SHOP) -> None:
        self.sink = MemorySink(is_auto=True)
        self.clock = Clock()
        self.service: CollectorService = make_collector_service(
            volatile, self.sink, self.clock, Sites({site.id: site})
        )

    async def send(self, *events: Datum, client: Client | None = None, **fields: Any) -> Accepted:  # noqa: ANN401 - any JSON
        """Send events as the tag does, and wait until they are durable."""
        accepted = self.service.accept(make_body(*events, **fields), client or make_client())
        return await self.settle(accepted)

    async def settle(self, accepted: Accepted) -> Accepted:
        """Wait until what was accepted is durable."""
        if accepted.durable is not None:
            await asyncio.wait_for(accepted.durable, 5)
        return accepted


def make_client(**changes: Any) -> Client:  # noqa: ANN401 - the fields of a client
    """Return a person's client."""
    return replace(Client(ADDRESS, CHROME, ORIGIN), **changes)


@pytest.fixture
def bench(volatile: Path) -> Bench:
    """Return a service."""
    return Bench(volatile)


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
        "/about us/[email]",
    )
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


def make_server_event(**fields: Any) -> Datum:  # noqa: ANN401 - any JSON
    """Return a custom event of a server."""
    return {"type": "custom", "id": str(uuid4()), "name": "order_paid"} | fields


async def send_server(bench: Bench, *events: Datum, key: str = WRITE_KEY) -> Accepted:
    """Send events as a server does."""
    body = json.dumps({"site": "demo", "events": list(events)}).encode()
    return await bench.settle(bench.service.accept_server_events(body, key))


async def test_a_server_sends_events(bench: Bench) -> None:
    """A server's events have its source, are redacted, and have a page only if they name one."""
    accepted = await send_server(
        bench,
        make_server_event(properties={"by": "olena@example.org"}),
        make_server_event(type="page_view", url=f"{PAGE}?utm_source=app", title="Tea"),
    )
    assert accepted.count == 2
    paid, view = sorted(bench.sink.events(), key=lambda event: event["type"])
    assert (paid["source"], paid["path"], paid["custom_properties"]) == (
        "server",
        "",
        {"by": "[email]"},
    )
    assert (view["path"], view["title"], view["channel"]) == ("/tea", "Tea", "campaign")


async def test_a_servers_retry_is_the_same_row(bench: Bench) -> None:
    """The sender's UUID is the row key: the same one twice is one row, another is another."""
    event = make_server_event()
    for sent in (event, event, make_server_event()):
        await send_server(bench, sent)
    first, again, other = [event["hit_key"] for event in bench.sink.events()]
    assert first == again
    assert first != other


async def test_servers_make_no_visitors(bench: Bench) -> None:
    """Events without a client are one visitor's; with one, that client's as its tag has it."""
    client = {"address": "176.36.1.2", "user_agent": CHROME, "language": "uk-UA"}
    await send_server(bench, make_server_event(), make_server_event())
    await send_server(bench, make_server_event(client=client))
    await bench.send(make_view())
    one, two, named, tag = [event["visitor_hash"] for event in bench.sink.events()]
    assert one == two
    assert named == tag
    assert named != one


async def test_a_robot_behind_a_server_is_dropped(bench: Bench) -> None:
    """Events of one body are judged one by one: the robot's goes, the person's stays."""
    client = {"address": "176.36.1.2", "user_agent": CHROME}
    robot = {"address": "176.36.1.2", "user_agent": "curl/8.5.0"}
    accepted = await send_server(
        bench, make_server_event(client=client), make_server_event(client=robot)
    )
    assert (accepted.count, accepted.dropped) == (1, {DropReason.BOT: 1})


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"id": None}, Reason.MISSING_ID, "$.events[1].id"),
        ({"id": "12"}, Reason.INVALID_FIELD, "$.events[1].id"),
        ({"url": "nowhere"}, Reason.INVALID_URL, "$.events[1].url"),
        ({"client": {"address": "me", "user_agent": "x"}}, Reason.INVALID_FIELD, "client.address"),
        ({"client": {"address": "::1"}}, Reason.INVALID_FIELD, "user_agent"),
        ({"type": "click"}, Reason.INVALID_FIELD, "$.events[1].type"),
        ({"name": "x" * 101}, Reason.INVALID_FIELD, "$.events[1].name"),
    ],
)
async def test_a_bad_server_event_refuses_the_body(
    bench: Bench, changes: Datum, reason: Reason, detail: str
) -> None:
    """One bad event refuses the whole body, by its place; nothing is half stored."""
    with pytest.raises(Problem) as caught:
        await send_server(bench, make_server_event(), make_server_event(**changes))
    assert (caught.value.reason, detail in caught.value.detail) == (reason, True)
    assert bench.sink.sent == []


@pytest.mark.parametrize("key", ["", "wrong", WRITE_KEY + "x", "ключ"])
async def test_only_a_write_key_of_the_site_may_send(bench: Bench, key: str) -> None:
    """Without one of the site's keys nothing is taken."""
    with pytest.raises(Problem) as caught:
        await send_server(bench, make_server_event(), key=key)
    assert caught.value.reason is Reason.UNAUTHORIZED


async def test_keys_can_be_replaced(volatile: Path) -> None:
    """While a site has two keys both may send; a site without any takes none."""
    digests = tuple(hashlib.sha256(key.encode()).digest() for key in ("old", "new"))
    bench = Bench(volatile, replace(SITE, write_keys=digests))
    for key in ("old", "new"):
        assert (await send_server(bench, make_server_event(), key=key)).count == 1
    with pytest.raises(Problem):
        await send_server(Bench(volatile, replace(SITE, write_keys=())), make_server_event())


async def test_a_long_id_spreads_over_partitions(bench: Bench) -> None:
    """The partition of a server's event is that of its id, each time."""
    ids = [UUID(int=number) for number in range(8)]
    await send_server(bench, *(make_server_event(id=str(number)) for number in ids))
    assert sorted({partition for partition, _ in bench.sink.sent}) == [0, 1, 2, 3]
