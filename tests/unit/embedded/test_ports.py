"""Ports are chosen from what is remembered, usual and free, in this order."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from streams.embedded.home import Home
from streams.embedded.ports import USUAL, Ports, choose, recall, remember

REMEMBERED = Ports(19092, 19093, 19000, 18123)


def _all_but(*taken: int) -> Callable[[int], bool]:
    return lambda port: port not in taken


def _numbers(first: int) -> Callable[[], int]:
    found = count(first)
    return lambda: next(found)


def test_usual_ports_are_taken_first() -> None:
    """A first start on an idle machine gets the ports that everybody expects."""
    assert choose(USUAL, None, may_use=_all_but(), find=_numbers(50_000)) == USUAL


def test_remembered_ports_come_before_the_usual() -> None:
    """A restart keeps its addresses, though the usual ports have become free."""
    chosen = choose(USUAL, REMEMBERED, may_use=_all_but(), find=_numbers(50_000))
    assert chosen == REMEMBERED


def test_a_taken_port_falls_back_alone() -> None:
    """A remembered port that is taken becomes the usual one, a taken usual one any free one."""
    chosen = choose(USUAL, REMEMBERED, may_use=_all_but(19092, 19000, 9000), find=_numbers(50_000))
    assert chosen == Ports(9092, 19093, 50_000, 18123)


def test_no_port_is_given_twice() -> None:
    """Two listeners that wish for the same port get two ports."""
    same = Ports(9092, 9092, 9092, 9092)
    chosen = choose(same, None, may_use=_all_but(), find=_numbers(9092))
    assert chosen == Ports(9092, 9093, 9094, 9095)


def test_zero_means_any() -> None:
    """Tests that want no usual port ask for 0 and get what the kernel gives."""
    chosen = choose(Ports(0, 0, 0, 0), None, may_use=_all_but(), find=_numbers(50_000))
    assert chosen == Ports(50_000, 50_001, 50_002, 50_003)


def test_differences_name_the_port_that_was_taken() -> None:
    """What `hmara up` says about a taken port is its name, its number now and the usual one."""
    ports = Ports(9092, 9093, 50_000, 8123)
    assert ports.differences(USUAL) == (("clickhouse_native", 50_000, 9000),)


def test_ports_are_remembered(tmp_path: Path) -> None:
    """What one start has chosen the next one reads."""
    home = Home(tmp_path)
    home.make()
    assert recall(home) is None
    remember(home, REMEMBERED)
    assert recall(home) == REMEMBERED


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kafka": "x"}', '{"kafka": 1, "surplus": 2}'])
def test_a_spoilt_ports_file_is_no_hindrance(tmp_path: Path, text: str) -> None:
    """A ports file that makes no sense counts as none."""
    home = Home(tmp_path)
    home.make()
    home.ports_file.write_text(text, encoding="utf-8")
    assert recall(home) is None
