"""The salt of a site and day: drawn at random, shared over tmpfs, destroyed when the day has ended.

Nothing here is ever written to a disk, a log, Kafka or ClickHouse. What a salt keyed can not be
tied to a person once it is gone (ARCHITECTURE, "Salt").
"""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import stat
import struct
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from schemas.errors import HmaraError
from streams.collector.sites import Site

GRACE: Final = timedelta(minutes=30)
"""How long a salt outlives its day, for requests stamped before midnight and not yet answered."""
_DRAFT_LIFE: Final = timedelta(minutes=1)
_SECRET_BYTES: Final = 32
_SEGMENT_BYTES: Final = 8
_HASH_BYTES: Final = 8
HITS_PER_HASH: Final = 8
_EIGHT: Final = struct.Struct("<8q")
_STACK_BYTES: Final = 1 << 16
_VOLATILE: Final = frozenset({"tmpfs", "ramfs"})
_MOUNTS: Final = Path("/proc/self/mounts")


class SaltError(HmaraError):
    """A salt that can not be kept as promised."""


@dataclass(frozen=True, slots=True)
class Salt:
    """The pseudonyms of one site and day.

    The secret stands in `_keyed` and `_keyed_wide` alone, hash states that the interpreter
    overwrites when they are freed; what hashing leaves on the stack is wiped with them. All
    pseudonyms are 64 bits, returned as Avro longs (signed).
    """

    day: date
    zone: ZoneInfo
    starts_at: datetime
    ends_at: datetime
    segment: int
    _keyed: blake2b
    _keyed_wide: blake2b

    def hash_visitor(self, address: bytes, user_agent: bytes) -> int:
        """Return the pseudonym of a packed address with a user agent."""
        state = self._keyed.copy()
        state.update(b"v%c%b%b" % (len(address), address, user_agent))
        return int.from_bytes(state.digest(), "little", signed=True)

    def hash_page_load(self, page_load_id: bytes) -> int:
        """Return the pseudonym that ties the events of one page load together."""
        state = self._keyed.copy()
        state.update(b"p" + page_load_id)
        return int.from_bytes(state.digest(), "little", signed=True)

    def hash_hits(self, page_load_id: bytes, block: int) -> tuple[int, ...]:
        """Return the row keys of the events `8 * block` to `8 * block + 7` of a page load.

        One hash gives eight keys: an event's is its place in the 512 bits over (page_load_id,
        seq // 8), and a retry repeats both.
        """
        state = self._keyed_wide.copy()
        state.update(b"h%b%b" % (page_load_id, block.to_bytes(4, "big")))
        return _EIGHT.unpack(state.digest())

    def hash_hit(self, page_load_id: bytes, seq: int) -> int:
        """Return the row key of one event."""
        return self.hash_hits(page_load_id, seq // HITS_PER_HASH)[seq % HITS_PER_HASH]


class SaltKeeper:
    """Draws, shares and destroys salts; one per process, all over one folder on tmpfs.

    Of two processes that reach midnight together, the one that links its file second reads the
    file of the first. A file is named `<start>-<end>-<day>` (epoch seconds, UTC), so that a
    changed time zone is taken up only when the day that has begun is over.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_volatile(folder)
        check_private(folder)
        self._folder: Final = folder
        self._live: dict[str, Salt] = {}

    def get(self, site: Site, at: datetime) -> Salt:
        """Return the salt of the site's day that holds `at` (aware, UTC).

        Raises:
            SaltError: the folder can not be written.
        """
        salt = self._live.get(site.id)
        if salt is not None and salt.starts_at <= at < salt.ends_at:
            return salt
        try:
            salt = self._find(site, at) or self._draw(site, at)
        except OSError as error:
            message = f"keeping salt of site {site.id}: {error.strerror}"
            raise SaltError(message) from error
        current = self._live.get(site.id)
        if current is None or current.starts_at < salt.starts_at:
            self._live[site.id] = salt
        return salt

    def expire(self, now: datetime) -> int:
        """Destroy every salt whose day ended more than `GRACE` ago; return how many files went."""
        for site_id, salt in list(self._live.items()):
            if salt.ends_at + GRACE <= now:
                del self._live[site_id]
        gone = expire_files(self._folder, now)
        _wipe_stack()
        return gone

    def forget(self) -> None:
        """Let go of the salts in memory; the files stay for the other processes."""
        self._live.clear()
        _wipe_stack()

    def _find(self, site: Site, at: datetime) -> Salt | None:
        for path in sorted((self._folder / site.id).glob("[0-9]*-*-*")):
            start, end, day = _parse_name(path)
            if start <= at < end:
                try:
                    return _read(path, site.id, (start, end, day))
                except FileNotFoundError:
                    continue
        return None

    def _draw(self, site: Site, at: datetime) -> Salt:
        day = at.astimezone(site.zone).date()
        end = _midnight(day + timedelta(days=1), site.zone)
        folder = self._folder / site.id
        folder.mkdir(mode=0o700, exist_ok=True)
        ends_before = (_parse_name(path)[1] for path in folder.glob("[0-9]*-*-*"))
        start = max([_midnight(day, site.zone), *(e for e in ends_before if e <= at)])
        path = folder / f"{int(start.timestamp())}-{int(end.timestamp())}-{day.isoformat()}"
        draft = folder / f".{secrets.token_hex(8)}-draft-{os.getpid()}"
        _write(draft, site.zone.key)
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            destroy_file(draft)
        else:
            draft.unlink()
        return _read(path, site.id, (start, end, day))


def expire_files(folder: Path, now: datetime) -> int:
    """Destroy the files of salts whose day ended more than `GRACE` ago; return how many went.

    Any process of an installation may do it, at any time; a folder that is not there has none.

    Raises:
        OSError: a file can not be destroyed; the others are.
    """
    gone, failed = 0, None
    for path in folder.glob("*/[0-9]*-*-*"):
        end = _parse_name(path)[1]
        try:
            gone += end + GRACE <= now and destroy_file(path)
        except OSError as error:
            failed = error
    _sweep_drafts(folder, now)
    if failed is not None:
        raise failed
    return gone


def _sweep_drafts(folder: Path, now: datetime) -> None:
    """Destroy what a process left that died while it drew a salt."""
    for path in folder.glob("*/.*-draft-*"):
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        if now - datetime.fromtimestamp(found.st_mtime, UTC) <= _DRAFT_LIFE:
            continue
        if found.st_nlink > 1:  # it died after linking: the bytes are a living salt's
            path.unlink(missing_ok=True)
        else:
            destroy_file(path)


def check_volatile(folder: Path) -> None:
    """Refuse a folder that is not on tmpfs.

    Raises:
        SaltError: what is written there may reach a disk.
    """
    place = folder.resolve()
    best, kind = Path("/"), ""
    for line in _MOUNTS.read_text("utf-8").splitlines():
        _, mount, fstype, *_ = line.split(" ")
        point = Path(mount.replace("\\040", " "))
        if place.is_relative_to(point) and len(point.parts) >= len(best.parts):
            best, kind = point, fstype
    if kind not in _VOLATILE:
        message = f"keeping salts: {place} is on {kind or 'an unknown file system'}, not on tmpfs"
        raise SaltError(message)


def check_private(folder: Path) -> None:
    """Refuse a folder that another user can read, or put a salt of their own in place of.

    Raises:
        SaltError: it, or the folder it is in, belongs to someone else or is open to others.
    """
    own, parent = folder.stat(), folder.resolve().parent.stat()
    is_ours = own.st_uid == os.geteuid() and not own.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    is_held = parent.st_uid in {0, os.geteuid()} and (
        not parent.st_mode & stat.S_IWOTH or parent.st_mode & stat.S_ISVTX
    )
    if not (is_ours and is_held):
        message = f"keeping salts: {folder} is open to other users"
        raise SaltError(message)


def destroy_file(path: Path) -> bool:
    """Overwrite a file with zeros and unlink it; False if another process was faster."""
    try:
        with path.open("r+b", buffering=0) as file:
            file.write(bytes(path.stat().st_size))
        path.unlink()
    except FileNotFoundError:
        return False
    return True


class _Zeros(ctypes.Structure):
    _fields_ = (("content", ctypes.c_char * _STACK_BYTES),)


def _wipe_stack() -> None:
    """Overwrite what calls before this one have left on the thread's stack.

    There may stand the state of a keyed hash after its first block, which is as good as the key
    and which nothing else is sure to overwrite. A structure that is passed by value is copied onto
    the stack; the function takes no argument and leaves it there.
    """
    ctypes.CDLL(None).getpid(_Zeros())


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _parse_name(path: Path) -> tuple[datetime, datetime, date]:
    start, end, day = path.name.split("-", 2)
    return (
        datetime.fromtimestamp(int(start), UTC),
        datetime.fromtimestamp(int(end), UTC),
        date.fromisoformat(day),
    )


def _write(path: Path, zone: str) -> None:
    content = bytearray(_SECRET_BYTES + _SEGMENT_BYTES)
    with Path("/dev/urandom").open("rb", buffering=0) as source:
        source.readinto(content)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.writev(descriptor, [content, zone.encode()])
    finally:
        os.close(descriptor)
        content[:] = bytes(len(content))


def _read(path: Path, site_id: str, name: tuple[datetime, datetime, date]) -> Salt:
    start, end, day = name
    content = bytearray(_SECRET_BYTES + _SEGMENT_BYTES + 255)
    try:
        with path.open("rb", buffering=0) as file:
            size = file.readinto(content)
        view = memoryview(content)
        if not any(view[:_SECRET_BYTES]):  # overwritten by another process, not yet unlinked
            raise FileNotFoundError(errno.ENOENT, "the salt was destroyed", path.name)
        keyed, wide = (
            blake2b(key=view[:_SECRET_BYTES], digest_size=width)
            for width in (_HASH_BYTES, _EIGHT.size)
        )
        for state in (keyed, wide):
            state.update(site_id.encode() + b"\0")
        segment = int.from_bytes(view[_SECRET_BYTES:][:_SEGMENT_BYTES], "little", signed=True)
        zone = bytes(view[_SECRET_BYTES + _SEGMENT_BYTES : size]).decode()
        view.release()
    finally:
        content[:] = bytes(len(content))
    return Salt(day, ZoneInfo(zone), start, end, segment, keyed, wide)
