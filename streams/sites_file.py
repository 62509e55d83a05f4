"""The sites file as commands change it: what they do not mean to change stays byte for byte."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import tomlkit
from pydantic import ValidationError
from tomlkit.items import Comment, Item, Whitespace

from streams.collector.sites import SiteModel, SitesError, SitesModel, load_sites
from streams.write_key import digest_write_key

_SITES: Final = "sites"
_WRITE_KEYS: Final = "write_keys"
_NEW_FILE_MODE: Final = 0o644
_PYDANTIC_PREFIX: Final = "Value error, "


def read_models(path: Path) -> tuple[SiteModel, ...]:
    """Read the tables of a sites file, in their order.

    Raises:
        SitesError: names the file, the table and the field at fault.
    """
    load_sites(path)
    return _parse(path)


def read_model(path: Path, site_id: str) -> SiteModel:
    """Read one site's table.

    Raises:
        SitesError: there is no such site, or the file is at fault.
    """
    for model in read_models(path):
        if model.id == site_id:
            return model
    raise _unknown(path, site_id)


def make_model(**fields: object) -> SiteModel:
    """Check the fields of a new site.

    Raises:
        SitesError: names each field at fault.
    """
    try:
        return SiteModel.model_validate(fields)
    except ValidationError as error:
        faults = "; ".join(
            f"{fault['loc'][0]}: {fault['msg'].removeprefix(_PYDANTIC_PREFIX)}"
            for fault in error.errors(include_input=False)
        )
        message = f"adding site: {faults}"
        raise SitesError(message) from None


def add_site(path: Path, model: SiteModel) -> None:
    """Append a table to the file, or make the file; all that stands in it stays as it is.

    Raises:
        SitesError: the id is taken, or the file is at fault or can not be written.
    """
    with _hold(path):
        text = _read_text(path)
        before = read_models(path) if _has_sites(text) else ()
        if any(old.id == model.id for old in before):
            message = f"adding site: id: {path} has a site {model.id!r} already"
            raise SitesError(message)
        _replace(path, _append(text, _to_toml(model)), (*before, model))


def add_write_key(path: Path, site_id: str, key: str, *, revoke_others: bool) -> int:
    """Add a key's digest to a site, or make it the only one; return how many it has then.

    Raises:
        SitesError: there is no such site, or the file is at fault or can not be written.
    """
    digest = digest_write_key(key)
    with _hold(path):
        before = read_models(path)
        position = next((at for at, old in enumerate(before) if old.id == site_id), None)
        if position is None:
            raise _unknown(path, site_id)
        old = before[position]
        digests = (digest,) if revoke_others else (*old.write_keys, digest)
        document = tomlkit.parse(_read_text(path))
        tables: Any = document[_SITES]  # an array of tables, or of inline tables
        _put_digests(tables[position], digests)
        new = old.model_copy(update={_WRITE_KEYS: digests})
        after = (*before[:position], new, *before[position + 1 :])
        _replace(path, tomlkit.dumps(document), after)
    return len(digests)


def _unknown(path: Path, site_id: str) -> SitesError:
    message = f"finding site: {path} has no site {site_id!r}; `hmara sites add` makes one"
    return SitesError(message)


def _parse(path: Path) -> tuple[SiteModel, ...]:
    return tuple(SitesModel.model_validate(tomllib.loads(path.read_text("utf-8"))).sites)


def _read_text(path: Path) -> str:
    """Return the file's text with its line ends as they are; '' if there is no file."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except OSError as error:
        message = f"reading sites: {path}: {error.strerror}"
        raise SitesError(message) from None
    except UnicodeDecodeError as error:
        message = f"reading sites: {path}: {error}"
        raise SitesError(message) from None


def _has_sites(text: str) -> bool:
    """Say whether the text is more than comments; one that can not be read is."""
    try:
        return bool(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        return True


def _to_toml(model: SiteModel) -> str:
    table = tomlkit.table()
    for name, value in model.model_dump(mode="json", exclude_defaults=True).items():
        table.add(name, value)
    tables = tomlkit.aot()
    tables.append(table)
    return tomlkit.dumps({_SITES: tables})


def _append(text: str, table: str) -> str:
    """Put a table at the end, a blank line before it; the end of a valid file is a line's end."""
    line_end = "\r\n" if "\r\n" in text else "\n"
    if text and not text.endswith("\n"):
        text += line_end
    gap = line_end if text.strip() else ""
    return text + gap + table.replace("\n", line_end)


def _put_digests(table: Any, digests: tuple[str, ...]) -> None:  # noqa: ANN401 - two kinds of table, of no shared type
    """Set a site's digests; a list that only grows keeps its comments and its lines."""
    listed = table.get(_WRITE_KEYS)
    if listed is not None and digests[:-1] == tuple(listed):
        listed.append(digests[-1])
    elif listed is not None or not isinstance(table, tomlkit.items.Table):
        table[_WRITE_KEYS] = list(digests)
    else:
        # What follows the last field belongs, for a reader, to the next table: it stays last.
        trailing = _pop_trivia(table)
        table.add(_WRITE_KEYS, list(digests))
        for item in trailing:
            table.add(item)


def _pop_trivia(table: tomlkit.items.Table) -> list[Comment | Whitespace]:
    body: list[tuple[object, Item]] = table.value.body  # type: ignore[assignment] # its keys do not matter
    trailing: list[Comment | Whitespace] = []
    while body and isinstance(body[-1][1], Comment | Whitespace):
        trailing.insert(0, body.pop()[1])  # type: ignore[arg-type] # seen to be one
    return trailing


@contextmanager
def _hold(path: Path) -> Iterator[None]:
    """Keep other commands from changing the file; the lock is on its folder and leaves nothing."""
    try:
        folder = os.open(path.resolve().parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        message = f"writing sites: {path}: {error.strerror}"
        raise SitesError(message) from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _replace(path: Path, text: str, expected: tuple[SiteModel, ...]) -> None:
    """Put a new file in the place of the old at once, if it says what it is to say."""
    target = path.resolve()  # a link stays one
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        new = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            _check_meaning(path, new, expected)
            _copy_owner_and_mode(target, new)
            new.replace(target)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        message = f"writing sites: {path}: {error.strerror}"
        raise SitesError(message) from None


def _check_meaning(path: Path, new: Path, expected: tuple[SiteModel, ...]) -> None:
    with suppress(SitesError):
        if read_models(new) == expected:
            return
    message = f"writing sites: {path}: edit it by hand, its sites are no [[sites]] tables"
    raise SitesError(message)


def _copy_owner_and_mode(old: Path, new: Path) -> None:
    try:
        was = old.stat()
    except FileNotFoundError:
        new.chmod(_NEW_FILE_MODE)
        return
    if (was.st_uid, was.st_gid) != (new.stat().st_uid, new.stat().st_gid):
        os.chown(new, was.st_uid, was.st_gid)
    new.chmod(stat.S_IMODE(was.st_mode))
