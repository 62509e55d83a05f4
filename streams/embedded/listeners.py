"""Who listens where, from /proc: an answer on a port proves nothing before it is known whose."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Final

_LISTEN: Final = "0A"
_V4_HEX_CHARS: Final = 8


def listening_addresses(pid: int) -> frozenset[tuple[str, int]]:
    """Return (address, port) of every TCP socket on which the process listens."""
    inodes = _socket_inodes(pid)
    found = set()
    for table in ("tcp", "tcp6"):
        path = Path(f"/proc/{pid}/net/{table}")
        try:
            lines = path.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN and fields[9] in inodes:
                found.add(_parse_address(fields[1]))
    return frozenset(found)


def is_listening(pid: int, port: int) -> bool:
    """Tell whether this process, and not another, has the port."""
    return any(number == port for _, number in listening_addresses(pid))


def _socket_inodes(pid: int) -> frozenset[str]:
    inodes = set()
    try:
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return frozenset()
    for descriptor in descriptors:
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue  # closed since it was listed
        if target.startswith("socket:["):
            inodes.add(target[len("socket:[") : -1])
    return frozenset(inodes)


def _parse_address(text: str) -> tuple[str, int]:
    host, port = text.split(":")
    # The kernel prints each 32-bit word in the machine's own byte order.
    words = [int(host[i : i + 8], 16) for i in range(0, len(host), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    family = socket.AF_INET if len(host) == _V4_HEX_CHARS else socket.AF_INET6
    return socket.inet_ntop(family, packed), int(port, 16)
