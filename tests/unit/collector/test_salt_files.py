"""The files of the salts: shared, private, on tmpfs, overwritten before they go."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from streams.collector import salt as module
from streams.collector.salt import SaltError, SaltKeeper, check_volatile, destroy_file
from tests.support.collector import NINE, SITE

MINUTE = timedelta(minutes=1)


def files_of(volatile: Path) -> list[Path]:
    """Return the files of the site's salts."""
    return sorted((volatile / SITE.id).iterdir())


def test_keepers_that_race_share_one_salt(volatile: Path) -> None:
    """Of eight keepers that reach a new day together all read the salt of the first."""
    keepers = [SaltKeeper(volatile) for _ in range(8)]
    for day in range(20):
        barrier = threading.Barrier(len(keepers))
        found: list[tuple[int, int]] = []

        def get(keeper: SaltKeeper, day: int = day, start: threading.Barrier = barrier) -> None:
            start.wait()
            salt = keeper.get(SITE, NINE + timedelta(days=day))
            found.append((salt.segment, salt.hash_visitor(b"1234", b"agent")))  # noqa: B023 - joined below

        threads = [threading.Thread(target=get, args=(keeper,)) for keeper in keepers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == len(keepers)
        assert len(set(found)) == 1
    assert len(files_of(volatile)) == 20


def test_files_are_for_us_alone(volatile: Path) -> None:
    """A salt's file and its folders can be read and written by nobody else."""
    folder = volatile / "salts"
    SaltKeeper(folder).get(SITE, NINE)
    (path,) = (folder / SITE.id).iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_destroyed_file_was_overwritten(volatile: Path) -> None:
    """Who holds the file open when it is destroyed reads zeros, as many as there were bytes."""
    keeper = SaltKeeper(volatile)
    end = keeper.get(SITE, NINE).ends_at
    (path,) = files_of(volatile)
    size = path.stat().st_size
    with path.open("rb") as held:
        assert any(os.pread(held.fileno(), size, 0))
        assert keeper.expire(end + timedelta(hours=1)) == 1
        assert os.pread(held.fileno(), size + 1, 0) == bytes(size)
    assert not path.exists()


def test_a_file_is_destroyed_once(volatile: Path) -> None:
    """Of two processes that destroy one file the second finds it gone, and that is no fault."""
    path = volatile / "salt"
    path.write_bytes(b"secret")
    assert destroy_file(path)
    assert not destroy_file(path)


def age_file(path: Path, by: timedelta) -> None:
    """Make a file look older."""
    then = (NINE - by).timestamp()
    os.utime(path, (then, then))


def test_what_a_crash_left_is_swept(volatile: Path) -> None:
    """A draft of a process that died before it linked is overwritten and removed."""
    keeper = SaltKeeper(volatile)
    keeper.get(SITE, NINE)
    (salt_file,) = files_of(volatile)
    draft = salt_file.with_name(".00ff-draft-7")
    draft.write_bytes(b"secret")
    age_file(draft, 2 * MINUTE)
    with draft.open("rb") as held:
        keeper.expire(NINE)
        assert os.pread(held.fileno(), 10, 0) == bytes(6)
    assert files_of(volatile) == [salt_file]


def test_a_crash_after_linking_costs_no_salt(volatile: Path) -> None:
    """A draft that shares its bytes with a living salt is removed, and the salt stays as it was."""
    keeper = SaltKeeper(volatile)
    before = keeper.get(SITE, NINE)
    (salt_file,) = files_of(volatile)
    draft = salt_file.with_name(".00ff-draft-7")
    draft.hardlink_to(salt_file)
    age_file(draft, 2 * MINUTE)
    keeper.expire(NINE)
    assert files_of(volatile) == [salt_file]
    after = SaltKeeper(volatile).get(SITE, NINE)
    assert after.hash_visitor(b"1234", b"") == before.hash_visitor(b"1234", b"")


def test_a_draft_under_way_is_left_alone(volatile: Path) -> None:
    """A draft of this minute may belong to a process that is about to link it."""
    keeper = SaltKeeper(volatile)
    keeper.get(SITE, NINE)
    draft = files_of(volatile)[0].with_name(".00ff-draft-7")
    draft.write_bytes(b"secret")
    age_file(draft, timedelta(seconds=30))
    keeper.expire(NINE)
    assert draft.read_bytes() == b"secret"


def test_a_destroyed_salt_is_never_used(volatile: Path) -> None:
    """A file of zeros, as it is between overwriting and unlinking, is an error and no salt."""
    SaltKeeper(volatile).get(SITE, NINE)
    (path,) = files_of(volatile)
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(SaltError, match="destroyed"):
        SaltKeeper(volatile).get(SITE, NINE)


def test_a_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is not on tmpfs is refused, whatever tmpfs is mounted beside or above it."""
    mounts = tmp_path / "mounts"
    place = tmp_path.resolve()
    mounts.write_text(f"tmpfs / tmpfs rw 0 0\n/dev/sda1 {place} ext4 rw 0 0\n", "utf-8")
    monkeypatch.setattr(module, "_MOUNTS", mounts)
    with pytest.raises(SaltError, match="is on ext4, not on tmpfs"):
        SaltKeeper(tmp_path / "salts")
    spaced = tmp_path / "a folder"
    spaced.mkdir()
    escaped = str(spaced.resolve()).replace(" ", "\\040")
    mounts.write_text(f"tmpfs / tmpfs rw 0 0\n/dev/sda1 {escaped} btrfs rw 0 0\n", "utf-8")
    with pytest.raises(SaltError, match="btrfs"):
        check_volatile(spaced)


def test_the_real_mount_table_is_read() -> None:
    """On this machine /dev/shm is volatile and /proc is not."""
    check_volatile(Path("/dev/shm"))
    with pytest.raises(SaltError, match="is on proc"):
        check_volatile(Path("/proc"))


@pytest.mark.parametrize(("mode", "of_parent"), [(0o750, False), (0o701, False), (0o777, True)])
def test_a_folder_open_to_others_is_refused(volatile: Path, mode: int, *, of_parent: bool) -> None:
    """Who could read the folder, or put another one in its place, could know or choose the salt."""
    parent = volatile / "home"
    folder = parent / "salts"
    parent.mkdir(mode=0o700)
    SaltKeeper(folder)
    (parent if of_parent else folder).chmod(mode)
    with pytest.raises(SaltError, match="open to other users"):
        SaltKeeper(folder)
