"""The Confluent frame."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.framing import HEADER_BYTES, FramingError, frame, parse_frame


@given(st.integers(0, 2**31 - 1), st.binary(max_size=50))
@example(0, b"")
@example(2**31 - 1, b"\0")
def test_a_frame_reads_back(schema_id: int, datum: bytes) -> None:
    """The frame is a zero, the id as four bytes with the highest first, then the datum as it is."""
    value = frame(schema_id, datum)
    assert value == b"\0" + schema_id.to_bytes(4, "big") + datum
    assert parse_frame(value) == schema_id
    assert value[HEADER_BYTES:] == datum


@pytest.mark.parametrize("value", [None, b"", b"\0", b"\0\0\0\0"])
def test_a_value_without_room_for_a_frame_is_refused(value: bytes | None) -> None:
    """A tombstone or a value of fewer than five bytes has no frame."""
    with pytest.raises(FramingError):
        parse_frame(value)


@given(st.integers(1, 255), st.binary(min_size=4, max_size=20))
def test_another_magic_byte_is_refused(magic: int, rest: bytes) -> None:
    """Only the magic byte zero starts a frame."""
    with pytest.raises(FramingError, match="magic byte"):
        parse_frame(bytes((magic,)) + rest)


@given(st.binary(min_size=4, max_size=4))
def test_an_id_always_fits_an_avro_int(tail: bytes) -> None:
    """Whatever four bytes stand in a frame, the id can be written into a dead letter."""
    assert -(2**31) <= parse_frame(b"\0" + tail) < 2**31
