"""Bodies to structs, and a refusal that names the field at fault and never its value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from streams.collector.payload import Payload, parse_payload
from streams.collector.problems import Problem, Reason
from streams.collector.server_events import ServerPayload, parse_server_payload

_QUOTING: Final = ("Invalid value", "Invalid enum value")
Parsed = TypeVar("Parsed")


def parse_body(body: bytes) -> Payload:
    """Parse and bound the body of `POST /v1/events`.

    Raises:
        Problem: it is no JSON, or a field is missing or out of bounds.
    """
    return _parse(parse_payload, body)


def parse_server_body(body: bytes) -> ServerPayload:
    """Parse and bound the body of `POST /v1/server-events`.

    Raises:
        Problem: it is no JSON, or a field is missing or out of bounds.
    """
    return _parse(parse_server_payload, body)


def _parse(parse: Callable[[bytes], Parsed], body: bytes) -> Parsed:
    try:
        return parse(body)
    except msgspec.ValidationError as error:
        raise Problem(Reason.INVALID_FIELD, _name_fault(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Problem(Reason.MALFORMED_JSON) from None
    except RecursionError:
        raise Problem(Reason.MALFORMED_JSON, "too deeply nested") from None


def _name_fault(text: str) -> str:
    """Return msgspec's sentence without the value that it quotes when a choice is unknown."""
    for beginning in _QUOTING:
        if text.startswith(beginning):
            return f"{beginning}{text[text.rfind(' - at `') :]}"
    return text
