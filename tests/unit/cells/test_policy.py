"""k as the policy file says it: by site, by cube, ten by default."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.policy.cubes import CUBES
from schemas.policy.k import LEAST_K, PolicyError, load_policy


def write(folder: Path, text: str) -> Path:
    """Write a policy file."""
    path = folder / "policy.yaml"
    path.write_text(text, "utf-8")
    return path


def test_the_committed_policy_asks_for_ten_everywhere() -> None:
    """Every cube of any site needs ten visitors unless somebody decides otherwise."""
    assert load_policy().k.to_thresholds("any") == dict.fromkeys(CUBES, 10)


@pytest.mark.parametrize(
    ("site", "cube", "k"),
    [
        ("other", "device", 12),
        ("other", "page", 20),
        ("small", "device", 5),
        ("small", "page", 5),
        ("small", "place", 30),
        ("bare", "page", 20),
        ("bare", "place", 40),
        ("bare", "device", 12),
    ],
)
def test_the_nearest_rule_decides(tmp_path: Path, site: str, cube: str, k: int) -> None:
    """A site's cube goes before the site, the site before a cube of all, all before the default."""
    path = write(
        tmp_path,
        "k:\n  default: 12\n  cubes: {page: 20}\n  sites:\n"
        "    small: {default: 5, cubes: {place: 30}}\n    bare: {cubes: {place: 40}}\n",
    )
    assert load_policy(path).k.find(site, cube) == k


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("k: {default: 1}", "k.default"),
        ("k: {cubes: {page: 0}}", "k.cubes.page"),
        ("k: {cubes: {pages: 10}}", "pages: no such cube"),
        ("k: {sites: {a: {cubes: {x: 10}}}}", "x: no such cube"),
        ("k: {defaults: 10}", "k.defaults"),
        ("k: {default: ten}", "k.default"),
        ("{}", "k: Field required"),
        ("", "policy"),
        ("k: [", "policy"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, text: str, fault: str) -> None:
    """What can not be is refused in one sentence that names file and field."""
    path = write(tmp_path, text)
    with pytest.raises(PolicyError, match=fault) as refused:
        load_policy(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A policy that is not there stops everything."""
    with pytest.raises(PolicyError, match="No such file"):
        load_policy(tmp_path / "none.yaml")


def test_one_visitor_is_never_a_cell() -> None:
    """No policy may set k to one."""
    assert LEAST_K > 1
