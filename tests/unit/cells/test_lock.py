"""One process at a time closes or publishes a site."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.cells.lock import BusyError, hold_site


def test_a_site_is_held_once(tmp_path: Path) -> None:
    """While one holds a site another is refused; other sites are free, and so is it afterwards."""
    with hold_site(tmp_path / "run", "one"):
        with pytest.raises(BusyError, match="another process"), hold_site(tmp_path / "run", "one"):
            pass
        with hold_site(tmp_path / "run", "two"):
            pass
    with hold_site(tmp_path / "run", "one"):
        pass
