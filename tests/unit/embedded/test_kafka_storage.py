"""Kafka's settings and ids, before anything is started."""

from __future__ import annotations

import base64
from pathlib import Path

from streams.embedded.home import Home
from streams.embedded.kafka import new_cluster_id, read_cluster_id, replace_settings


def test_a_given_setting_stands_once() -> None:
    """A given setting replaces the line of the recipe; a new one is added."""
    text = replace_settings("# a=1\na=1\nb=2\n", {"b": "3", "c.d": "x=y"})
    assert text.splitlines() == ["# a=1", "a=1", "b=3", "c.d=x=y"]


def test_cluster_ids_are_as_kafka_writes_them() -> None:
    """An id is 128 bits in 22 characters of URL-safe base64 and never reads as an option."""
    made = {new_cluster_id() for _ in range(500)}
    assert len(made) == 500
    assert {len(base64.urlsafe_b64decode(f"{each}==")) for each in made} == {16}
    assert not [each for each in made if each.startswith("-")]


def test_cluster_id_is_read_from_the_storage(tmp_path: Path) -> None:
    """The id that tells this home's broker from another's is the one it was formatted with."""
    home = Home(tmp_path)
    assert read_cluster_id(home) is None
    (home.data / "kafka").mkdir(parents=True)
    (home.data / "kafka" / "meta.properties").write_text(
        "version=1\ncluster.id=abc_D-1\nnode.id=1\n"
    )
    assert read_cluster_id(home) == "abc_D-1"
