"""Settings: the environment wins over the file, and an error names the variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.settings import (
    ClickHouseSettings,
    CollectorSettings,
    KafkaSettings,
    SettingsError,
    WorkerSettings,
    home_dir,
    lib_dir,
    services_env_file,
    volatile_dir,
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home of this test, and no setting in the environment."""
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "CLICKHOUSE_NATIVE_PORT", "CLICKHOUSE_HTTP_PORT"):
        monkeypatch.delenv(f"HMARA_{name}", raising=False)
    monkeypatch.delenv("HMARA_LIB_DIR", raising=False)
    monkeypatch.setenv("HMARA_HOME", str(tmp_path / "a home"))
    return tmp_path / "a home"


def write_services(**values: str) -> None:
    """Write what `hmara up` leaves."""
    path = services_env_file()
    path.parent.mkdir(parents=True)
    path.write_text("".join(f"HMARA_{name}={value}\n" for name, value in values.items()), "utf-8")


def test_services_are_found_without_an_environment() -> None:
    """What `hmara up` has left is enough to find Kafka and ClickHouse."""
    write_services(
        KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9",
        CLICKHOUSE_NATIVE_PORT="10",
        CLICKHOUSE_HTTP_PORT="11",
        CLICKHOUSE_SERVICE_PASSWORD="s3cr3t",
        CLICKHOUSE_ADMIN_PASSWORD="4dm1n",
    )
    assert KafkaSettings.load().bootstrap_servers == "127.0.0.1:9"
    clickhouse = ClickHouseSettings.load()
    service, admin = clickhouse.as_service(), clickhouse.as_admin()
    assert (service.native_port, service.http_port) == (10, 11)
    assert (service.user, service.password) == ("service", "s3cr3t")
    assert (admin.user, admin.password) == ("hmara_admin", "4dm1n")
    assert "s3cr3t" not in repr(clickhouse) + repr(service)


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real variable wins over the file, and a command's option over both."""
    write_services(KAFKA_BOOTSTRAP_SERVERS="from-the-file:1")
    monkeypatch.setenv("HMARA_KAFKA_BOOTSTRAP_SERVERS", "from-the-environment:1")
    assert KafkaSettings.load().bootstrap_servers == "from-the-environment:1"
    assert KafkaSettings.load(bootstrap_servers="option:1").bootstrap_servers == "option:1"
    assert KafkaSettings.load(bootstrap_servers=None).bootstrap_servers.startswith("from-the-env")


def test_a_missing_setting_is_named() -> None:
    """An error names every missing variable and what would set them."""
    with pytest.raises(SettingsError, match=r"HMARA_KAFKA_BOOTSTRAP_SERVERS.*hmara up"):
        KafkaSettings.load()
    with pytest.raises(SettingsError, match=r"HMARA_CLICKHOUSE_NATIVE_PORT.*HTTP_PORT"):
        ClickHouseSettings.load()


def test_a_wrong_setting_is_named_and_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error names the variable that can not be read and does not repeat its value."""
    monkeypatch.setenv("HMARA_WORKER_FLUSH_S", "s3cr3t")
    with pytest.raises(SettingsError, match="HMARA_WORKER_FLUSH_S") as caught:
        WorkerSettings.load()
    assert "s3cr3t" not in str(caught.value)


def test_lists_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trusted proxies are a JSON list in the environment."""
    monkeypatch.setenv("HMARA_COLLECTOR_TRUSTED_PROXIES", '["10.0.0.0/8", "::1"]')
    assert CollectorSettings.load().trusted_proxies == ("10.0.0.0/8", "::1")


def test_each_home_has_its_own_places(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two installations share no file: state, libraries and salts follow HMARA_HOME."""
    assert home_dir() == home
    assert lib_dir() == home / "lib"
    first = volatile_dir()
    assert first.parent == Path("/dev/shm")
    monkeypatch.setenv("HMARA_HOME", str(home / "other"))
    assert volatile_dir() != first
    monkeypatch.setenv("HMARA_LIB_DIR", str(home / "shared"))
    assert lib_dir() == home / "shared"
