"""The sites a collector serves, from a TOML file."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from schemas.errors import HmaraError
from schemas.faults import describe_faults
from streams.collector.client import Network

SITE_ID_PATTERN: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"
PARAMETER_PATTERN: Final = r"^[A-Za-z0-9_.\[\]-]{1,40}$"
KEY_DIGEST_PATTERN: Final = r"^[0-9a-f]{64}$"
_LABELS: Final = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"
_ORIGIN: Final = re.compile(
    rf"(?P<scheme>https?)://(?P<any>\*\.)?(?P<host>{_LABELS}|\[[0-9a-f:.]{{2,45}}\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
)
"""What browsers send as Origin (RFC 6454, 6.2), or a pattern for it."""
_BELOW: Final = re.compile(_LABELS)
_USUAL: Final = {"http": "80", "https": "443"}
_LAST_PORT: Final = 65_535


class SitesError(HmaraError):
    """A sites file that is missing or says something that can not be."""


class SiteModel(BaseModel):
    """One `[[sites]]` table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=SITE_ID_PATTERN, description="Id in the tag's data-site.")]
    origins: Annotated[
        tuple[str, ...],
        Field(
            min_length=1,
            description="Origins whose pages may send: scheme://host[:port], or "
            "scheme://*.host[:port] for every subdomain (not for host itself).",
        ),
    ]
    time_zone: Annotated[
        str, Field(default="UTC", description="Zone of the site's days and hours.")
    ]
    query_parameters: Annotated[
        tuple[Annotated[str, Field(pattern=PARAMETER_PATTERN)], ...],
        Field(default=(), description="Parameters of addresses to keep, besides utm_*."),
    ]
    excluded_addresses: Annotated[
        tuple[str, ...],
        Field(default=(), description="Addresses or networks whose visits do not count."),
    ]
    write_keys: Annotated[
        tuple[Annotated[str, Field(pattern=KEY_DIGEST_PATTERN)], ...],
        Field(
            default=(),
            description="SHA-256 (hex) of each key that servers may send events with.",
        ),
    ]
    synthetic: Annotated[bool, Field(default=False, description="Holds made-up traffic only.")]
    keep_headless: Annotated[
        bool, Field(default=False, description="Count headless browsers as visitors.")
    ]
    keep_data_centers: Annotated[
        bool, Field(default=False, description="Count visits from hosting providers' addresses.")
    ]

    @field_validator("origins")
    @classmethod
    def _check_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            match = _ORIGIN.fullmatch(origin)
            if match is None:
                message = f"{origin!r} is not scheme://host[:port] as browsers send it: in lower"
                message += " case, other scripts as xn--"
                raise ValueError(message)
            port = match["port"]
            if port is not None and (int(port) > _LAST_PORT or port == _USUAL[match["scheme"]]):
                message = f"{origin!r} names a port that browsers never send with it"
                raise ValueError(message)
            if match["any"] and "." not in match["host"]:
                message = f"{origin!r} is every host below a top-level domain"
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

    @field_validator("excluded_addresses")
    @classmethod
    def _check_addresses(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            try:
                ip_network(text)
            except ValueError:
                message = f"{text!r} is no address or network"
                raise ValueError(message) from None
        return texts


class SitesModel(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid")

    sites: Annotated[list[SiteModel], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Site:
    """A site as the service uses it.

    `origins` are exact; `subdomains` are the parts before and after the `*` of the others;
    `write_keys` are SHA-256 digests, 32 bytes each.
    """

    id: str
    origins: frozenset[str]
    zone: ZoneInfo
    synthetic: bool = False
    keep_headless: bool = False
    keep_data_centers: bool = False
    subdomains: tuple[tuple[str, str], ...] = ()
    query_parameters: frozenset[str] = frozenset()
    excluded: tuple[Network, ...] = ()
    write_keys: tuple[bytes, ...] = ()

    def has_origin(self, origin: str) -> bool:
        """Say whether pages of an origin may send to this site."""
        return origin in self.origins or (
            bool(self.subdomains) and any(_is_below(origin, rule) for rule in self.subdomains)
        )


@dataclass(frozen=True, slots=True)
class Sites:
    """Every site, by id."""

    by_id: dict[str, Site]

    def has_origin(self, origin: str) -> bool:
        """Say whether an origin belongs to any site."""
        return any(site.has_origin(origin) for site in self.by_id.values())


def load_sites(path: Path) -> Sites:
    """Read a sites file.

    Raises:
        SitesError: names the file, the table and the field at fault.
    """
    try:
        model = SitesModel.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        message = f"reading sites: {path}: {error.strerror}"
        raise SitesError(message) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"reading sites: {path}: {error}"
        raise SitesError(message) from None
    except ValidationError as error:
        message = f"reading sites: {path}: {describe_faults(error)}"
        raise SitesError(message) from None
    by_id = {site.id: _to_site(site) for site in model.sites}
    if len(by_id) != len(model.sites):
        message = f"reading sites: {path}: two sites share one id"
        raise SitesError(message)
    return Sites(by_id)


def _to_site(model: SiteModel) -> Site:
    return Site(
        id=model.id,
        origins=frozenset(origin for origin in model.origins if "*" not in origin),
        zone=ZoneInfo(model.time_zone),
        synthetic=model.synthetic,
        keep_headless=model.keep_headless,
        keep_data_centers=model.keep_data_centers,
        subdomains=tuple(_split(origin) for origin in model.origins if "*" in origin),
        query_parameters=frozenset(model.query_parameters),
        excluded=tuple(ip_network(text) for text in model.excluded_addresses),
        write_keys=tuple(bytes.fromhex(digest) for digest in model.write_keys),
    )


def _split(origin: str) -> tuple[str, str]:
    """Return what stands before and after the `*` of `scheme://*.host[:port]`."""
    before, _, after = origin.partition("*")
    return before, after


def _is_below(origin: str, rule: tuple[str, str]) -> bool:
    """Say whether an origin is that of a subdomain: labels, and nothing else, for the `*`."""
    before, after = rule
    if not (origin.startswith(before) and origin.endswith(after)):
        return False
    return _BELOW.fullmatch(origin, len(before), len(origin) - len(after)) is not None
