"""Page requests of access logs to `web.event.v1`, hashed and minimised as the collector does it.

A line's row key is a plain hash of the file's digest and the line's number, so that the same file
sent twice makes the same rows: whoever can compute it has the log anyway. Visitors are hashed under
salts of the import's own, one per day, which stay on tmpfs until the import is complete and are
then destroyed; an import that was cut short goes on with them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.errors import HmaraError
from streams.access_log.digest import Inspection, LogFile, inspect_logs
from streams.access_log.parse import LogLine
from streams.access_log.read import ImportCounts, read_pages
from streams.access_log.reasons import SkipReason
from streams.collector.avro_writer import NO_DETAILS, EventKey, write_event
from streams.collector.bots import BotRules
from streams.collector.client import Client
from streams.collector.minimise import AgentClassifier, CountryLookup, pack_address
from streams.collector.pages import PageReducer
from streams.collector.salt import SaltKeeper, destroy_file
from streams.collector.sites import Site
from streams.collector.stamp import Minimiser, Sender, Stamper
from streams.record_packer import RecordPacker

_KEY_BYTES: Final = 8
_PAIR_BYTES: Final = 32
_NAME_BYTES: Final = 8
"""Neither the length of an IPv4 address nor that of an IPv6 one."""


class ImportLogError(HmaraError):
    """An import that could not be completed; running it again is safe."""


@dataclass(frozen=True, slots=True)
class Importer:
    """What an import works with."""

    site: Site
    countries: CountryLookup
    agents: AgentClassifier
    bots: BotRules
    pages: PageReducer
    packer: RecordPacker
    salt_dir: Path

    def inspect(
        self, paths: Sequence[Path], on_bytes: Callable[[int], None] | None = None
    ) -> Inspection:
        """Read every file once: what is in it, and whether it is a log at all."""
        return inspect_logs(paths, self.site.zone, on_bytes)

    def send(
        self, inspection: Inspection, on_bytes: Callable[[int], None] | None = None
    ) -> ImportCounts:
        """Send the page requests, file by file in order of time; destroy the salts at the end.

        Raises:
            HmaraError: a file changed, or Kafka did not acknowledge everything; the salts stay,
                and the same command goes on where it matters: no count changes by a second run.
        """
        folder = self.salt_dir / name_import(inspection.files)
        salts = SaltKeeper(folder)
        counts = ImportCounts()
        for chunk in read_pages(inspection.files, self._judge, counts):
            for pair, event in self._encode(chunk.file, chunk.pages, salts):
                self.packer.add(int.from_bytes(pair[:8], "big"), event)
            if on_bytes is not None:
                on_bytes(chunk.content_bytes)
        self.packer.finish()
        salts.forget()
        destroy_salts(folder)
        return counts

    def _judge(self, line: LogLine) -> SkipReason | None:
        """Say why a page request counts for nobody, by the rules of the collector."""
        reason = self.bots.judge(_to_client(line), self.site)
        if reason is not None:
            return SkipReason(reason.value)
        referrer = self.pages.reduce_referrer(line.referrer or "", "", self.site)
        return SkipReason.REFERRER_SPAM if self.bots.is_spam(referrer.host) else None

    def _encode(
        self, file: LogFile, pages: Sequence[LogLine], salts: SaltKeeper
    ) -> Iterator[tuple[bytes, bytes]]:
        stamper = Stamper(Minimiser(self.countries, self.agents, salts))
        origin = find_origin(self.site)
        for line in pages:
            url = self.pages.reduce_url(origin + line.target, self.site)
            if url is None:
                continue  # classified as a page, so its target begins with a slash
            source = self.pages.reduce_referrer(line.referrer or "", url.host, self.site)
            stamp = stamper.stamp(self.site, Sender(_to_client(line), "import"), line.received_at)
            pair = make_pair(file.sha256, line.line_number)
            key = EventKey(
                hit_key=_hash_key(pair),
                page_load_hash=stamp.salt.hash_page_load(pair),
                seq=0,
                type="page_view",
                event_time_us=stamp.received_at_us,
            )
            view = self.pages.write_view(url, "", source)
            yield pair, write_event(key, view, NO_DETAILS, stamp.request)


def find_origin(site: Site) -> str:
    """Return an origin of the site, to make addresses of a log's targets."""
    return min(site.origins) if site.origins else "www".join(min(site.subdomains))


def _to_client(line: LogLine) -> Client:
    """Return who is named in a line; for a host's name a hash of it stands for the address."""
    address = pack_address(line.address)
    if address is None:
        address = hashlib.blake2b(line.address.encode(), digest_size=_NAME_BYTES).digest()
    return Client(address, line.user_agent or "", "")


def make_pair(file_sha256: str, line_number: int) -> bytes:
    """Return what stands for (page_load_id, seq) of an imported line."""
    text = f"{file_sha256}:{line_number}"
    return hashlib.blake2b(text.encode(), digest_size=_PAIR_BYTES, person=b"hmara import").digest()


def name_import(files: Sequence[LogFile]) -> str:
    """Return the name of an import: the same files, in whatever order, are the same import."""
    digests = "\n".join(sorted(file.sha256 for file in files))
    return hashlib.sha256(digests.encode()).hexdigest()[:32]


def destroy_salts(folder: Path) -> None:
    """Overwrite and remove every salt of a completed import."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        else:
            destroy_file(path)
    folder.rmdir()


def _hash_key(pair: bytes) -> int:
    digest = hashlib.blake2b(pair, digest_size=_KEY_BYTES, person=b"hmara hit_key").digest()
    return int.from_bytes(digest, "little", signed=True)
