"""What a site's own servers send: whose it is, what it becomes, and who may send."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from processors.reasons import DropReason
from streams.collector.problems import Problem, Reason
from tests.support.collector import CHROME, SITE, WRITE_KEY, make_view
from tests.support.events import Datum
from tests.support.service_bench import PAGE, Bench, make_server_event, send_server


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


async def test_two_events_of_one_id_refuse_the_body(bench: Bench) -> None:
    """Two events with one number, or one UUID, would be one row: the body is refused, by place."""
    with pytest.raises(Problem) as caught:
        await bench.send(make_view(), make_view(seq=1), make_view())
    assert caught.value.detail == "$.events[2].seq repeats another's"
    event = make_server_event()
    with pytest.raises(Problem) as caught:
        await send_server(bench, event, event)
    assert caught.value.detail == "$.events[1].id repeats another's"
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
