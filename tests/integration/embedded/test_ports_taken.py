"""Services start on a machine whose ports are taken, and say so when they can not start."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import astuple
from pathlib import Path

import pytest

from streams.embedded.errors import EmbeddedError
from streams.embedded.ports import Ports, find_free, is_free
from streams.embedded.services import Tuning, start_services
from tests.integration.embedded.asking import find_processes, make_topic, put_record, read_records

pytestmark = pytest.mark.integration


def _take(stack: ExitStack, port: int, address: str = "127.0.0.1") -> None:
    server = stack.enter_context(socket.socket())
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen()


def test_a_port_is_free_when_nobody_listens() -> None:
    """A port is taken by a listener on the loopback address or on every address, else free."""
    port = find_free()
    assert is_free(port)
    for address in ("127.0.0.1", "0.0.0.0"):
        with ExitStack() as stack:
            _take(stack, port, address)
            assert not is_free(port)
    assert is_free(port)


def test_taken_ports_are_replaced_and_data_kept(home: Path, lib: Path) -> None:
    """With the usual ports taken others are chosen; with those taken, others again, data intact."""
    usual = Ports(*(find_free() for _ in range(4)))
    with ExitStack() as stack:
        for port in astuple(usual):
            _take(stack, port)
        with start_services(home, lib, tuning=Tuning(usual_ports=usual)) as first:
            assert len(first.ports.differences(usual)) == 4
            topic = make_topic(first)
            put_record(first, topic, b"kept")
        for port in astuple(first.ports):
            _take(stack, port)
        with start_services(home, lib, tuning=Tuning(usual_ports=usual)) as second:
            assert len(second.ports.differences(first.ports)) == 4
            assert read_records(second, topic) == [b"kept"]


def test_a_failed_start_shows_the_log_and_leaves_nothing(home: Path, lib: Path) -> None:
    """A Kafka that can not start is an error that ends with its log, and nothing stays behind."""
    tuning = Tuning(
        usual_ports=Ports(0, 0, 0, 0), kafka_settings={"offsets.topic.num.partitions": "none"}
    )
    with pytest.raises(EmbeddedError, match=r"(?s)Kafka.*offsets\.topic\.num\.partitions"):
        start_services(home, lib, tuning=tuning)
    assert find_processes(home) == {}
