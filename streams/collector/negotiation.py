"""Which form of a file a client gets, and whether it has that form already (RFC 9110)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

IDENTITY: Final = "identity"
_ANY: Final = "*"


def choose_encoding(accepted: str, available: Sequence[str]) -> str:
    """Return the coding to answer in: the client's favourite, or the first of `available`.

    Args:
        accepted: the Accept-Encoding header; '' if there was none.
        available: codings in our order; the plain form is always there, and comes last.
    """
    weights: dict[str, float] = {}
    for item in accepted.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        weights[name.removeprefix("x-")] = _read_weight(parameters)
    others = weights.get(_ANY, 0.0)
    best, best_weight = IDENTITY, 0.0
    for name in available:
        weight = weights.get(name, others)
        if weight > best_weight:
            best, best_weight = name, weight
    # What is not named is acceptable in its plain form, but is nobody's favourite (12.5.3).
    return IDENTITY if weights.get(IDENTITY, 0.0) > best_weight else best


def _read_weight(parameters: Sequence[str]) -> float:
    """Return the weight (12.4.2): 1 if there is none, 0 if it can not be read."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0.0
            return min(max(weight, 0.0), 1.0) if math.isfinite(weight) else 0.0
    return 1.0


def has_etag(if_none_match: str, etag: str) -> bool:
    """Say whether If-None-Match names an entity tag, weak or strong, or any (13.1.2)."""
    if if_none_match.strip() == _ANY:
        return True
    return any(item.strip().removeprefix("W/") == etag for item in if_none_match.split(","))
