"""What pydantic found wrong with a file, as one sentence that quotes no value."""

from __future__ import annotations

from pydantic import ValidationError


def describe_faults(error: ValidationError) -> str:
    """Return each field at fault, by its path in the file, with what is wrong with it."""
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
        for fault in error.errors(include_input=False)
    )
