"""The gatherer: when a record leaves, what is in it, and whom its answer is for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.framing import parse_frame
from streams.collector.avro_writer import write_string
from streams.collector.gather import (
    MAX_RECORD_BYTES,
    MAX_RECORD_EVENTS,
    SLOTS,
    Gatherer,
    NotDurableError,
)
from tests.support.collector import MemorySink, make_gatherer, too_late
from tests.support.events import SCHEMA

Durable = asyncio.Future[None]


def events_of(value: bytes) -> list[bytes]:
    """Return the events of a record; in these tests an event is one Avro string."""
    rest, events = value[5 + len(write_string("test")) :], []
    count, rest = read_long(rest)
    for _ in range(count):
        size, rest = read_long(rest)
        events.append(rest[:size])
        rest = rest[size:]
    assert rest == (b"\0" if events else b"")
    return events


def read_long(data: bytes) -> tuple[int, bytes]:
    """Read a number as Avro writes it; return it and what follows."""
    shift = number = 0
    for place, byte in enumerate(data):
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number >> 1 ^ -(number & 1), data[place + 1 :]
    raise AssertionError(data)


def name_events(*names: str) -> list[bytes]:
    """Return encoded events."""
    return [write_string(name) for name in names]


async def put(gatherer: Gatherer, partition: int, events: list[bytes]) -> Durable:
    """Hand over the events of one request, in a turn of the loop of their own."""
    durable = gatherer.put(partition, len(events), b"".join(events))
    await asyncio.sleep(0)
    return durable


def state_of(durable: Durable) -> str:
    """Return whether a request is answered, and how."""
    if not durable.done():
        return "open"
    if durable.cancelled():
        return "gone"
    return "durable" if durable.exception() is None else "refused"


async def test_a_lone_event_is_sent_at_once() -> None:
    """Nothing waits while fewer than two records are under way: no timer, no linger."""
    sink = MemorySink()
    gatherer = make_gatherer(sink)
    first = await put(gatherer, 3, name_events("a"))
    second = await put(gatherer, 3, name_events("b"))
    assert [(partition, events_of(value)) for partition, value in sink.sent] == [
        (3, [b"a"]),
        (3, [b"b"]),
    ]
    assert all(parse_frame(value) == SCHEMA.schema_id for _, value in sink.sent)
    assert (state_of(first), state_of(second)) == ("open", "open")


async def test_while_two_are_under_way_events_gather() -> None:
    """The third request waits for a slot, and what has gathered by then leaves as one record."""
    sink = MemorySink()
    gatherer = make_gatherer(sink)
    sent = [await put(gatherer, 0, name_events(name)) for name in "ab"]
    waiting = [await put(gatherer, 0, name_events(name, name.upper())) for name in "cde"]
    assert len(sink.sent) == 2
    sink.acknowledge(1)
    assert [state_of(durable) for durable in sent] == ["open", "durable"]
    assert events_of(sink.sent[2][1]) == [b"c", b"C", b"d", b"D", b"e", b"E"]
    assert {state_of(durable) for durable in waiting} == {"open"}
    sink.acknowledge(1)
    assert {state_of(durable) for durable in waiting} == {"durable"}
    sink.acknowledge()
    assert gatherer.held_bytes == 0


async def test_partitions_do_not_wait_for_each_other() -> None:
    """A partition whose slots are taken holds up no other."""
    sink = MemorySink()
    gatherer = make_gatherer(sink)
    for partition in (0, 0, 0, 1, 1, 1, 2):
        await put(gatherer, partition, name_events("x"))
    assert [partition for partition, _ in sink.sent] == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    ("size", "per_request", "per_record"),
    [(10, 100, 5), (10, 99, 5), (10, 1, MAX_RECORD_EVENTS), (60_000, 1, 4), (3_000, 25, 3)],
)
async def test_a_record_has_its_limits(size: int, per_request: int, per_record: int) -> None:
    """A record holds whole requests, at most 500 events and 256 KiB of them."""
    sink = MemorySink()
    gatherer = make_gatherer(sink)
    request = [write_string("x" * size)] * per_request
    for _ in range(2 + 3 * per_record):
        await put(gatherer, 0, request)
    for _ in range(3):
        sink.acknowledge()
    for _, value in sink.sent[2:]:
        events = events_of(value)
        assert len(events) == per_request * per_record <= MAX_RECORD_EVENTS
        assert sum(map(len, events)) <= MAX_RECORD_BYTES
    assert len(sink.sent) == 5


async def test_a_request_larger_than_a_record_goes_alone() -> None:
    """A request is never split, so that it has one answer."""
    sink = MemorySink()
    gatherer = make_gatherer(sink)
    large = [write_string("x" * 1_000)] * 600
    for request in (large, large, large, name_events("small")):
        await put(gatherer, 0, request)
    sink.acknowledge()
    assert len(events_of(sink.sent[2][1])) == 600


async def test_what_is_held_is_bounded() -> None:
    """Above the bound a request is turned away and nothing of it is kept; room comes back."""
    sink = MemorySink()
    gatherer = make_gatherer(sink, max_waiting_bytes=1_000)
    fill = [b"x" * 100] * 5
    await put(gatherer, 0, fill)
    await put(gatherer, 1, fill)
    with pytest.raises(NotDurableError, match="too many"):
        await put(gatherer, 2, [b"x"])
    assert gatherer.held_bytes == 1_000
    assert len(sink.sent) == 2
    sink.acknowledge()
    await put(gatherer, 2, [b"x"])
    assert gatherer.held_bytes == 501


async def test_a_failed_record_answers_its_own_requests() -> None:
    """Requests of other records are not touched, and the lane goes on."""
    sink = MemorySink()
    gatherer = make_gatherer(sink)
    first, second, third = [await put(gatherer, 0, name_events(name)) for name in "abc"]
    sink.acknowledge(0, too_late())
    assert [state_of(durable) for durable in (first, second, third)] == ["refused", "open", "open"]
    with pytest.raises(NotDurableError, match="_MSG_TIMED_OUT"):
        await first
    sink.acknowledge(0)
    sink.acknowledge(0)
    assert [state_of(durable) for durable in (second, third)] == ["durable", "durable"]
    assert gatherer.held_bytes == 0


async def test_requests_of_one_failed_record_get_errors_of_their_own() -> None:
    """No two waiters share one exception, whose traceback would grow with each of them."""
    sink = MemorySink()
    gatherer = make_gatherer(sink)
    together = [await put(gatherer, 0, name_events(name)) for name in "abcd"][2:]
    sink.acknowledge()
    sink.acknowledge(1, too_late())
    errors = [durable.exception() for durable in together]
    assert all(isinstance(error, NotDurableError) for error in errors)
    assert errors[0] is not errors[1]


async def test_a_sink_that_takes_nothing_answers_at_once() -> None:
    """A record that is not taken frees its slot, and its requests are told."""
    sink = MemorySink(error=NotDurableError("sending record: the producer's queue is full"))
    gatherer = make_gatherer(sink)
    assert [state_of(await put(gatherer, 0, name_events(name))) for name in "abcd"] == [
        "refused"
    ] * 4
    assert gatherer.held_bytes == 0
    sink.error = None
    await put(gatherer, 0, name_events("e"))
    assert len(sink.sent) == 1


async def test_a_sink_that_breaks_answers_all_that_waits() -> None:
    """Ten thousand waiting requests are told in one go, however many records they would be."""
    sink = MemorySink()
    gatherer = make_gatherer(sink)
    full = [write_string("x")] * MAX_RECORD_EVENTS
    waiting = [await put(gatherer, 0, full) for _ in range(10_000)]
    sink.error = too_late()
    sink.acknowledge()
    assert [state_of(durable) for durable in waiting[:3]] == ["durable", "open", "refused"]
    assert {state_of(durable) for durable in waiting[2:]} == {"refused"}
    sink.acknowledge()
    assert gatherer.held_bytes == 0


async def test_who_waits_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that got no record within the ack timeout are refused; what is under way is not."""
    sink, now = MemorySink(), [0.0]
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now[0])
    gatherer = make_gatherer(sink, ack_timeout_s=5.0)
    under_way = [await put(gatherer, 0, name_events(name)) for name in "ab"]
    early = await put(gatherer, 0, name_events("c"))
    now[0] = 3.0
    late = await put(gatherer, 0, name_events("d"))
    now[0] = 4.9
    assert gatherer.expire() == 0
    now[0] = 5.0
    assert gatherer.expire() == 1
    assert [state_of(durable) for durable in (*under_way, early, late)] == [
        *("open", "open", "refused", "open")
    ]
    sink.acknowledge()
    assert events_of(sink.sent[2][1]) == [b"d"]


async def test_a_client_that_went_away_hurts_nobody() -> None:
    """A request that was cancelled while it waited is sent all the same, and others are told."""
    sink = MemorySink()
    gatherer = make_gatherer(sink)
    durables = [await put(gatherer, 0, name_events(name)) for name in "abcd"]
    durables[0].cancel()
    durables[2].cancel()
    sink.acknowledge()
    sink.acknowledge(0, too_late())
    sink.acknowledge()
    assert [state_of(durable) for durable in durables] == ["gone", "refused", "gone", "durable"]
    assert gatherer.held_bytes == 0


async def test_draining_ends_with_the_last_answer() -> None:
    """`drain` returns when nothing is held any more, and not before."""
    sink = MemorySink()
    gatherer = make_gatherer(sink)
    await asyncio.wait_for(gatherer.drain(), 1)
    await put(gatherer, 0, name_events("a"))
    draining = asyncio.ensure_future(gatherer.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    sink.acknowledge()
    await asyncio.wait_for(draining, 1)


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 1), st.integers(1, 300)),
        st.tuples(st.just("ack"), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("break"), st.just(0), st.booleans()),
        st.tuples(st.just("cancel"), st.integers(0, 30), st.just(0)),
    ),
    max_size=40,
)


class Model:
    """Plays actions on a gatherer and remembers what was put where."""

    def __init__(self) -> None:
        self.sink = MemorySink()
        self.gatherer: Gatherer = make_gatherer(self.sink, max_waiting_bytes=20_000)
        self.put_names: list[tuple[int, bytes, Durable]] = []
        self.failed: set[int] = set()
        self.open: list[int] = []

    async def play(self, kind: str, first: int, second: int) -> None:
        """Do one action."""
        actions: dict[str, Callable[[int, int], None]] = {
            "ack": self.acknowledge,
            "cancel": self.cancel,
        }
        if kind == "break":
            self.sink.error = too_late() if second else None
        elif kind == "put":
            await self.put(first, second)
        else:
            actions[kind](first, second)
        assert len(self.sink.open) <= 2 * SLOTS

    async def put(self, partition: int, size: int) -> None:
        """Put one event with a name of its own."""
        name = b"%d:" % len(self.put_names) + b"x" * size
        try:
            durable = await put(self.gatherer, partition, [write_string(name.decode())])
        except NotDurableError:
            assert self.gatherer.held_bytes + size > 19_000
            return
        self.put_names.append((partition, name, durable))

    def acknowledge(self, place: int, is_failed: int) -> None:
        """Answer a record that is under way."""
        if self.sink.open:
            place %= len(self.sink.open)
            self.sink.acknowledge(place, too_late() if is_failed else None)

    def cancel(self, place: int, _: int) -> None:
        """Let a client go away."""
        if self.put_names:
            self.put_names[place % len(self.put_names)][2].cancel()


@given(ACTIONS)
async def test_every_request_is_answered_once_and_in_order(
    actions: list[tuple[str, int, int]],
) -> None:
    """Whatever comes, each event is in at most one record, in order, and each request is told."""
    model = Model()
    for action in actions:
        await model.play(*action)
    model.sink.error = None
    while model.sink.open:
        model.sink.acknowledge()
    assert model.gatherer.held_bytes == 0
    for partition in (0, 1):
        sent = [
            name for at, value in model.sink.sent if at == partition for name in events_of(value)
        ]
        put = [name for at, name, _ in model.put_names if at == partition]
        assert sent == [name for name in put if name in set(sent)]
        assert len(sent) == len(set(sent))
        for at, name, durable in model.put_names:
            assert durable.done()
            if at == partition and state_of(durable) == "durable":
                assert name in sent


async def test_requests_of_one_turn_travel_together() -> None:
    """What is put within one turn of the loop leaves as one record, each partition's by itself."""
    sink = MemorySink()
    gatherer = make_gatherer(sink)
    for name in "abc":
        gatherer.put(0, 1, write_string(name))
    gatherer.put(1, 1, write_string("d"))
    assert sink.sent == []
    await asyncio.sleep(0)
    assert sorted((place, events_of(value)) for place, value in sink.sent) == [
        (0, [b"a", b"b", b"c"]),
        (1, [b"d"]),
    ]


async def test_a_mistake_in_the_sink_does_not_keep_its_slot() -> None:
    """An unforeseen error is raised to each request that met it, and the partitions go on."""
    sink = MemorySink()
    gatherer = make_gatherer(sink)
    sink.error = ValueError("a mistake")
    for _ in range(2 * SLOTS):
        lost = [gatherer.put(place, 1, write_string("lost")) for place in (0, 0, 1)]
        errors = await asyncio.gather(*lost, return_exceptions=True)
        assert list(map(repr, errors)) == ["ValueError('a mistake')"] * 3
        assert len(set(map(id, errors))) == 3
    assert gatherer.held_bytes == 0
    sink.error = None
    await put(gatherer, 0, name_events("taken"))
    assert [events_of(value) for _, value in sink.sent] == [[b"taken"]]
