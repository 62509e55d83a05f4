"""A collector without a network: its sink, its clock and its salts are the test's own."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.framing import HEADER_BYTES
from streams.collector.app import CollectorApp
from streams.collector.compose import make_service
from streams.collector.edge import Edge
from streams.collector.gather import Acknowledge, Gatherer, NotDurableError
from streams.collector.limits import Limits
from streams.collector.minimise import AgentClassifier, CountryLookup
from streams.collector.salt import SaltKeeper
from streams.collector.service import CollectorService
from streams.collector.sites import Site, Sites
from streams.collector.stamp import Minimiser
from streams.collector.tag_file import TagFile
from tests.support.events import SCHEMA, Datum, decode_plain

ORIGIN: Final = "https://www.example.org"
PAGE_LOAD_ID: Final = "c0ffee00c0ffee00"
SERVER_EVENT_ID: Final = "0b9f8a52-6c1d-4f5e-9a3b-7d2e1c0f4a6b"
NINE: Final = datetime(2026, 7, 1, 9, tzinfo=UTC)
WRITE_KEY: Final = "a-made-up-key-of-the-demo-site"
SITE: Final = Site(
    "demo",
    frozenset({ORIGIN}),
    ZoneInfo("Europe/Kyiv"),
    write_keys=(hashlib.sha256(WRITE_KEY.encode()).digest(),),
)
SITES: Final = Sites({SITE.id: SITE})
TAG: Final = b"/* the tag */"
CHROME: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/141.0.0.0 Safari/537.36"
)
LIMITS: Final = Limits(body_timeout_s=0.05)
EDGE: Final = Edge(LIMITS)
AGENTS: Final = AgentClassifier()  # one for all tests: it takes a while to build


@dataclass
class MemorySink:
    """Takes records, and acknowledges them when the test, or `is_auto`, says so."""

    is_auto: bool = False
    error: Exception | None = None
    sent: list[tuple[int, bytes]] = field(default_factory=list)
    open: list[Acknowledge] = field(default_factory=list)
    taken: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, partition: int, value: bytes, acknowledge: Acknowledge) -> None:
        """Take a record; see `RecordSink.send`."""
        if self.error is not None:
            raise self.error
        self.sent.append((partition, value))
        self.taken.set()
        if self.is_auto:
            asyncio.get_running_loop().call_soon(acknowledge, None)
        else:
            self.open.append(acknowledge)

    def acknowledge(self, place: int = 0, error: Exception | None = None) -> None:
        """Answer one of the records that are under way."""
        self.open.pop(place)(error)

    def events(self) -> list[Datum]:
        """Return the events of all records, as fastavro reads them."""
        return [event for _, value in self.sent for event in decode_plain(value[HEADER_BYTES:])]


def make_gatherer(sink: MemorySink, **changes: Any) -> Gatherer:  # noqa: ANN401 - its settings
    """Return a gatherer for four partitions."""
    settings: dict[str, Any] = {
        "partitions": 4,
        "schema_id": SCHEMA.schema_id,
        "collector": "test",
        "max_waiting_bytes": 32 << 20,
        "ack_timeout_s": 5.0,
    }
    return Gatherer(sink, **(settings | changes))


@dataclass
class Clock:
    """A clock that a test moves."""

    now: datetime = NINE

    def read(self) -> datetime:
        """Return the time."""
        return self.now

    def move(self, **by: float) -> None:
        """Go on by hours, minutes or seconds."""
        self.now += timedelta(**by)


@dataclass
class Collector:
    """An application with everything that a test may want to turn."""

    app: CollectorApp
    sink: MemorySink
    clock: Clock
    salts: SaltKeeper
    readiness: list[bool]


def make_collector_service(
    volatile: Path, sink: MemorySink, clock: Clock, sites: Sites
) -> CollectorService:
    """Return the service of a collector, without anything of HTTP."""
    minimiser = Minimiser(CountryLookup(None), AGENTS, SaltKeeper(volatile))
    return make_service(sites, minimiser, make_gatherer(sink), clock.read)


def make_collector(
    volatile: Path,
    tag_file: Path,
    *,
    edge: Edge = EDGE,
    max_waiting_bytes: int = 32 << 20,
) -> Collector:
    """Return a collector whose sink acknowledges at once."""
    tag_file.write_bytes(TAG)
    sink, clock, salts = MemorySink(is_auto=True), Clock(), SaltKeeper(volatile)
    gatherer = make_gatherer(sink, max_waiting_bytes=max_waiting_bytes)
    minimiser = Minimiser(CountryLookup(None), AGENTS, salts)
    service = make_service(SITES, minimiser, gatherer, clock.read)
    readiness = [True]

    async def is_ready() -> bool:
        return readiness[0]

    app = CollectorApp(service, SITES, TagFile(tag_file), edge, is_ready)
    return Collector(app, sink, clock, salts, readiness)


def make_body(*events: Datum, **fields: object) -> bytes:
    """Return the body of a POST with some fields changed."""
    body = {"site": "demo", "page_load_id": PAGE_LOAD_ID, "events": list(events) or [make_view()]}
    return json.dumps(body | fields).encode()


def make_server_body(**fields: object) -> bytes:
    """Return the body of a server's POST, with some fields of its one event changed."""
    event = {"type": "page_view", "id": SERVER_EVENT_ID, "url": f"{ORIGIN}/path"} | fields
    return json.dumps({"site": SITE.id, "events": [event]}).encode()


def make_view(**fields: object) -> Datum:
    """Return a page view as the tag sends it."""
    return {"type": "page_view", "seq": 0, "url": f"{ORIGIN}/path"} | fields


@dataclass(frozen=True)
class Answer:
    """What an application answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def reason(self) -> str:
        """The machine-readable reason of a refusal."""
        reason: str = json.loads(self.body)["reason"]
        return reason


@dataclass
class Request:
    """A request below HTTP: what a server would hand to the application."""

    method: str = "POST"
    path: str = "/v1/events"
    body: tuple[bytes, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    query: str = ""
    peer: str = "203.0.113.7"
    ends: str = "complete"  # or "hangs", or "gone"

    def scope(self) -> dict[str, Any]:
        """Return the ASGI scope."""
        usual = {
            "content-type": "text/plain;charset=UTF-8",
            "origin": ORIGIN,
            "user-agent": CHROME,
        }
        return {
            "type": "http",
            "method": self.method,
            "path": self.path,
            "query_string": self.query.encode("latin-1"),
            "scheme": "http",
            "client": (self.peer, 40_000),
            "headers": [
                (name.encode(), value.encode("latin-1"))
                for name, value in (usual | self.headers).items()
                if value
            ],
        }

    def receive(self) -> Callable[[], Any]:
        """Return the ASGI receive function."""
        parts = list(self.body or (b"",))

        async def receive() -> dict[str, Any]:
            if parts:
                part = parts.pop(0)
                more = bool(parts) or self.ends != "complete"
                return {"type": "http.request", "body": part, "more_body": more}
            if self.ends == "hangs":
                await asyncio.Event().wait()
            return {"type": "http.disconnect"}

        return receive


async def ask(app: CollectorApp, request: Request) -> Answer | None:
    """Return the application's answer, or None if it gave none."""
    sent: list[Any] = []

    async def send(message: Any) -> None:  # noqa: ANN401 - ASGI's message
        sent.append(message)

    await app(request.scope(), request.receive(), send)
    if not sent:
        return None
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(part["body"] for part in sent[1:]))


async def post(app: CollectorApp, body: bytes, **headers: str) -> Answer:
    """Return the answer to a POST of events; headers are named with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await ask(app, Request(body=(body,), headers=named))
    assert answer is not None
    return answer


def too_late() -> NotDurableError:
    """Return what Kafka's producer reports when it gives up."""
    return NotDurableError("sending record: _MSG_TIMED_OUT")
