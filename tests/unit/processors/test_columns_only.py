"""Columns all the way: what Python does for a chunk does not grow with its events.

pyarrow's `to_pylist` and `as_py` belong to C types, which can not be patched, so the interpreter
is watched instead: at every bytecode instruction of the path it is noted which attribute is looked
up and how many blocks Python's allocator has given out. A loop over events would execute more
instructions for more events; a list of them made inside C would show as blocks.
"""

from __future__ import annotations

import dis
import gc
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from types import CodeType, FrameType
from typing import Any, Final, NoReturn, Self

import fastavro
import pyarrow as pa
import pytest

from processors.columns import Context, EventColumns
from processors.decode import decode_records
from schemas.framing import frame
from streams.topology import WEB_EVENTS
from tests.support.events import CODEC, SCHEMA, encode_plain, make_event

RECORDS: Final = 10
FEW, SOME, MANY = 100, 1_000, 10_000
OBJECTS: Final = ("as_py", "to_pylist", "to_pydict", "to_pandas", "to_numpy", "tolist")
NOISE_BLOCKS: Final = 100
Work = Callable[[list[bytes | None]], object]


@cache
def name_attributes(code: CodeType) -> dict[int, str]:
    """Return the attribute or method that each instruction of a function looks up."""
    return {
        instruction.offset: str(instruction.argval)
        for instruction in dis.get_instructions(code)
        if instruction.opname in {"LOAD_ATTR", "LOAD_METHOD"}
    }


class Watch:
    """Counts instructions and look-ups, and notes the most blocks that were given out at once."""

    def __init__(self) -> None:
        self.instructions = 0
        self.attributes: Counter[str] = Counter()
        self.peak_blocks = 0

    def __call__(self, where: FrameType, event: str, _: object) -> Self:
        """Take note; the interpreter calls this."""
        where.f_trace_opcodes = True
        if event == "opcode":
            self.instructions += 1
            name = name_attributes(where.f_code).get(where.f_lasti)
            if name is not None:
                self.attributes[name] += 1
            self.peak_blocks = max(self.peak_blocks, sys.getallocatedblocks())
        return self


def watch(work: Work, values: list[bytes | None]) -> Watch:
    """Do the work once to warm its caches, and again under watch."""
    _trace(Watch(), work, values)
    found = Watch()
    gc.collect()
    gc.disable()  # what others left must not go in the middle
    before = sys.getallocatedblocks()
    try:
        _trace(found, work, values)
    finally:
        gc.enable()
    found.peak_blocks -= before
    return found


def _trace(found: Watch, work: Work, values: list[bytes | None]) -> None:
    outer = sys.gettrace()
    sys.settrace(found)
    try:
        work(values)
    finally:
        sys.settrace(outer)


def make_chunk(events: int) -> list[bytes | None]:
    """Return a chunk of ten records that hold so many events."""
    per_record = [
        make_event(seq=number + 1_000, path=f"/{number}") for number in range(events // RECORDS)
    ]
    return [frame(SCHEMA.schema_id, encode_plain(per_record))] * RECORDS


def run_path(values: list[bytes | None]) -> pa.RecordBatch:
    """Do what the worker does: decode, every step, the cut."""
    ctx = Context(policy_version="0")
    columns = decode_records(CODEC, values).columns
    for step in WEB_EVENTS.steps:
        columns = step(columns, ctx).kept
    return WEB_EVENTS.outlets[0].cut(columns, ctx)


def refuse(*_: object, **__: object) -> NoReturn:
    """Stand where the reference codec must not be called."""
    message = "the reference codec is not part of the hot path"
    raise AssertionError(message)


def test_the_path_does_the_same_work_for_any_number_of_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From 100 to 10,000 events in as many records, Python executes not one instruction more."""
    chunks = [make_chunk(FEW), make_chunk(MANY)]
    for name in ("schemaless_reader", "schemaless_writer", "reader"):
        monkeypatch.setattr(fastavro, name, refuse)
    few, many = (watch(run_path, chunk) for chunk in chunks)
    assert run_path(chunks[1]).num_rows == MANY
    assert many.instructions == few.instructions
    assert many.attributes == few.attributes
    assert abs(many.peak_blocks - few.peak_blocks) < NOISE_BLOCKS


def test_the_path_reads_one_flag_per_step() -> None:
    """Of all calls that make Python objects only `any(bad).as_py()` is there, once per step."""
    seen = watch(run_path, make_chunk(MANY))
    found = {name: seen.attributes[name] for name in OBJECTS if seen.attributes[name]}
    assert found == {"as_py": len(WEB_EVENTS.steps)}


def decode_first(values: list[bytes | None]) -> EventColumns:
    """Return the columns of a chunk."""
    return decode_records(CODEC, values).columns


def read_scalars(values: list[bytes | None]) -> object:
    """Make objects with a loop in Python."""
    return [scalar.as_py() for scalar in decode_first(values).events.column("path")]


def read_list(values: list[bytes | None]) -> object:
    """Make objects with a loop inside C."""
    return decode_first(values).events.column("path").to_pylist()


def read_hidden(values: list[bytes | None]) -> object:
    """Make objects inside C without a name that a reader would search for."""
    method: Any = getattr(decode_first(values).events.column("seq"), "to_" + "pylist")
    return method()


def read_frame(values: list[bytes | None]) -> object:
    """Make scalars by iterating inside C."""
    return list(decode_first(values).events.column("path"))


@pytest.mark.parametrize("work", [read_scalars, read_list, read_hidden, read_frame])
def test_objects_per_event_would_be_seen(work: Work) -> None:
    """The watch above sees every way to make an object per event, hidden in C or not."""
    few, many = (watch(work, make_chunk(events)) for events in (FEW, SOME))
    grown = many.instructions - few.instructions, many.peak_blocks - few.peak_blocks
    assert max(grown) >= SOME - FEW - NOISE_BLOCKS
