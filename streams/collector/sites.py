"""The sites a collector serves, from a TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from schemas.errors import HmaraError

SITE_ID_PATTERN: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"


class SitesError(HmaraError):
    """A sites file that is missing or says something that can not be."""


class SiteModel(BaseModel):
    """One `[[sites]]` table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=SITE_ID_PATTERN, description="Id in the tag's data-site.")]
    origins: Annotated[
        tuple[str, ...],
        Field(min_length=1, description="Origins whose pages may send, scheme://host[:port]."),
    ]
    time_zone: Annotated[
        str, Field(default="UTC", description="Zone of the site's days and hours.")
    ]
    synthetic: Annotated[bool, Field(default=False, description="Holds made-up traffic only.")]
    keep_headless: Annotated[
        bool, Field(default=False, description="Count headless browsers as visitors.")
    ]

    @field_validator("origins")
    @classmethod
    def _check_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            parts = urlsplit(origin)
            bare = f"{parts.scheme}://{parts.netloc}"
            if parts.scheme not in {"http", "https"} or not parts.hostname or origin != bare:
                message = f"{origin!r} is not scheme://host[:port]"
                raise ValueError(message)
        return origins

    @field_validator("time_zone")
    @classmethod
    def _check_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            message = f"{name!r} is no time zone of the IANA database"
            raise ValueError(message) from None
        return name


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sites: Annotated[list[SiteModel], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Site:
    """A site as the service uses it."""

    id: str
    origins: frozenset[str]
    zone: ZoneInfo
    synthetic: bool
    keep_headless: bool


@dataclass(frozen=True, slots=True)
class Sites:
    """Every site, by id."""

    by_id: dict[str, Site]
    origins: frozenset[str]


def load_sites(path: Path) -> Sites:
    """Read a sites file.

    Raises:
        SitesError: names the file, the table and the field at fault.
    """
    try:
        model = _File.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        message = f"reading sites: {path}: {error.strerror}"
        raise SitesError(message) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"reading sites: {path}: {error}"
        raise SitesError(message) from None
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors(include_input=False)
        )
        message = f"reading sites: {path}: {faults}"
        raise SitesError(message) from None
    by_id = {site.id: _to_site(site) for site in model.sites}
    if len(by_id) != len(model.sites):
        message = f"reading sites: {path}: two sites share one id"
        raise SitesError(message)
    origins = frozenset().union(*(site.origins for site in by_id.values()))
    return Sites(by_id, origins)


def _to_site(model: SiteModel) -> Site:
    return Site(
        model.id,
        frozenset(model.origins),
        ZoneInfo(model.time_zone),
        model.synthetic,
        model.keep_headless,
    )
