"""Salts of days that are over go, whichever process of an installation is left."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.collector.salt import GRACE, SaltKeeper
from streams.salt_sweep import SaltSweep
from streams.settings import volatile_dir
from tests.support.collector import SITE
from tests.support.waiting import wait_until


def test_an_old_salt_goes_and_a_living_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any collector the sweep destroys what is over, and touches nothing that lives."""
    monkeypatch.setenv("HMARA_HOME", str(tmp_path))
    folder = volatile_dir() / "salts"
    try:
        keeper, now = SaltKeeper(folder), datetime.now(UTC)
        keeper.get(SITE, now - timedelta(days=2) - GRACE)
        keeper.get(SITE, now)
        old, living = sorted(folder.glob("*/*"))
        with SaltSweep():
            wait_until(lambda: not old.exists(), "the old salt is destroyed")
        assert living.exists()
    finally:
        shutil.rmtree(volatile_dir(), ignore_errors=True)
