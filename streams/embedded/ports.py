"""The ports of the embedded services: the usual ones where free, remembered from start to start."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Final

from streams.embedded.home import Home, write_private

LOOPBACK: Final = "127.0.0.1"
ANY: Final = 0


@dataclass(frozen=True, slots=True)
class Ports:
    """One port per listener, all on 127.0.0.1."""

    kafka: int
    kafka_controller: int
    clickhouse_native: int
    clickhouse_http: int

    def differences(self, other: Ports) -> tuple[tuple[str, int, int], ...]:
        """Return (name, own, other's) of each port that is not the same."""
        pairs = (
            (field.name, getattr(self, field.name), getattr(other, field.name))
            for field in fields(self)
        )
        return tuple(pair for pair in pairs if pair[1] != pair[2])


USUAL: Final = Ports(9092, 9093, 9000, 8123)


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this port of the loopback address now."""
    with socket.socket() as probe:
        # As servers do it: a connection of an ended server that still times out is no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
        return True


def find_free() -> int:
    """Return a port that the kernel gives out as free."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, ANY))
        port: int = probe.getsockname()[1]
        return port


def choose(
    usual: Ports,
    remembered: Ports | None,
    *,
    may_use: Callable[[int], bool] = is_free,
    find: Callable[[], int] = find_free,
) -> Ports:
    """Return for each listener the remembered port, the usual one or any, the first that is free.

    A usual port of 0 means any. No port is given twice.
    """
    chosen: dict[str, int] = {}
    for field in fields(Ports):
        wishes = [getattr(ports, field.name) for ports in (remembered, usual) if ports is not None]
        good = (
            port for port in wishes if port != ANY and port not in chosen.values() and may_use(port)
        )
        chosen[field.name] = next(good, None) or _find_other(find, chosen)
    return Ports(**chosen)


def remember(home: Home, ports: Ports) -> None:
    """Keep the ports for the next start."""
    write_private(home.ports_file, json.dumps(asdict(ports), indent=2) + "\n")


def recall(home: Home) -> Ports | None:
    """Return the ports of the last start; None if there was none or the file makes no sense."""
    try:
        return Ports(
            **{
                name: int(port)
                for name, port in json.loads(home.ports_file.read_text(encoding="utf-8")).items()
            }
        )
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _find_other(find: Callable[[], int], chosen: dict[str, int]) -> int:
    while (port := find()) in chosen.values():
        pass
    return port
