"""The Confluent wire frame: one magic byte, a 4-byte schema id, then the Avro datum."""

from __future__ import annotations

import struct
from typing import Final

from schemas.errors import HmaraError

MAGIC: Final = 0
HEADER_BYTES: Final = 5
_HEADER: Final = struct.Struct(">bi")  # ids are signed, as the Schema Registry has them


class FramingError(HmaraError):
    """A value that does not start with a frame."""


def frame(schema_id: int, datum: bytes) -> bytes:
    """Put the frame of `schema_id` before an Avro datum."""
    return _HEADER.pack(MAGIC, schema_id) + datum


def parse_frame(value: bytes | None) -> int:
    """Return the schema id in the frame of a record's value; the datum starts at `HEADER_BYTES`.

    Raises:
        FramingError: the value is null, too short, or starts with another magic byte.
    """
    if value is None:
        message = "parsing frame: the value is null"
        raise FramingError(message)
    if len(value) < HEADER_BYTES:
        message = f"parsing frame: {len(value)} bytes are too few for a header of {HEADER_BYTES}"
        raise FramingError(message)
    magic, schema_id = _HEADER.unpack_from(value)
    if magic != MAGIC:
        message = f"parsing frame: magic byte is {magic}, expected {MAGIC}"
        raise FramingError(message)
    return int(schema_id)
