"""The recipe: templates are whole, and hold what the design asks of the services."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from streams.embedded import recipe
from streams.embedded.clickhouse import render_users
from streams.embedded.credentials import Credentials
from streams.embedded.errors import EmbeddedError

CREDENTIALS = Credentials("one", "two", "three")


def _read_users(*, has_local_user: bool) -> ET.Element:
    found = ET.fromstring(render_users(CREDENTIALS, has_local_user=has_local_user)).find("users")  # noqa: S314 - our own text
    assert found is not None
    return found


def test_service_may_read_and_insert_in_four_databases_only() -> None:
    """The grants of `service` are SELECT and INSERT on each database, and nothing else."""
    grants = {
        query.text for query in _read_users(has_local_user=True).iterfind(".//service//query")
    }
    assert grants == {
        f"GRANT SELECT, INSERT ON {name}.*"
        for name in ("anonymous", "staging", "personal", "control")
    }


def test_every_user_comes_from_loopback_with_a_password() -> None:
    """Users other than libchdb's own have a hashed password and may come from 127.0.0.1 only."""
    for user in _read_users(has_local_user=False):
        assert [ip.text for ip in user.iterfind("networks/ip")] == ["127.0.0.1"]
        assert len(user.findtext("password_sha256_hex", "")) == 64
    assert "one" not in {text.strip() for text in _read_users(has_local_user=False).itertext()}


def test_default_user_is_for_libchdb_alone() -> None:
    """A real server has no `default` user; libchdb's may open ports and has no second session."""
    assert [user.tag for user in _read_users(has_local_user=False)] == [
        *("hmara_admin", "service", "analyst")
    ]
    default = _read_users(has_local_user=True).find("default")
    assert default is not None
    assert [query.text for query in default.iter("query")] == ["GRANT SYSTEM LISTEN ON *.*"]
    assert default.findtext("profile") == "local_only"


def test_no_system_log_keeps_query_text() -> None:
    """config.xml has no section of a system log, and listens on loopback only."""
    values = dict.fromkeys(("native_port", "http_port", "data_dir", "users_file", "log_file"), "x")
    config = ET.fromstring(recipe.render("clickhouse/config.xml", values))  # noqa: S314 - our own text
    assert [child.tag for child in config if child.tag.endswith("_log")] == []
    assert [host.text for host in config.iterfind("listen_host")] == ["127.0.0.1"]


def test_kafka_listens_on_loopback_and_makes_no_topics() -> None:
    """server.properties binds each listener to 127.0.0.1 and refuses undeclared topics."""
    values = {"kafka_port": "1", "controller_port": "2", "log_dirs": "x"}
    text = recipe.render("kafka/server.properties", values)
    lines = dict(line.split("=", 1) for line in text.splitlines() if line[:1].isalpha())
    assert lines["listeners"] == "PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2"
    assert lines["auto.create.topics.enable"] == "false"
    assert lines["log.message.timestamp.type"] == "LogAppendTime"
    assert lines["offsets.topic.num.partitions"] == "8"
    assert lines["group.initial.rebalance.delay.ms"] == "0"


def test_a_name_without_a_value_is_an_error() -> None:
    """A template that is not filled in completely is never written."""
    with pytest.raises(EmbeddedError, match=r"filling in kafka/server.properties"):
        recipe.render("kafka/server.properties", {"kafka_port": "1"})


def test_every_npm_package_is_pinned_with_its_digest() -> None:
    """The lock file fixes version and digest of each package and names no registry's host."""
    lock = json.loads(recipe.read("package-lock.json"))["packages"]
    wanted = json.loads(recipe.read("package.json"))
    for name, version in (wanted["dependencies"] | wanted["optionalDependencies"]).items():
        found = lock[f"node_modules/{name}"]
        assert found["version"] == version
        assert found["integrity"].startswith("sha512-")
        assert "resolved" not in found


def test_recipe_is_found_in_a_wheel_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed, the recipe lies inside the package; from a checkout, in deploy/embedded."""
    assert recipe.recipe_dir().parts[-2:] == ("deploy", "embedded")
    package = tmp_path / "site-packages" / "streams" / "embedded"
    (package / "recipe").mkdir(parents=True)
    monkeypatch.setattr(recipe, "_PACKAGE", package)
    with pytest.raises(EmbeddedError, match=r"recipe of the embedded services is missing"):
        recipe.recipe_dir()
    (package / "recipe" / "package.json").touch()
    assert recipe.recipe_dir() == package / "recipe"
