"""Who may import whom."""

from __future__ import annotations

from pathlib import Path

from importlinter.cli import EXIT_STATUS_ERROR, EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / ".importlinter"


def test_the_contracts_are_kept() -> None:
    """Every import goes down the layers, and the core knows no infrastructure."""
    assert lint_imports(config_filename=str(CONTRACTS), no_cache=True) == EXIT_STATUS_SUCCESS


def test_a_broken_contract_is_seen(tmp_path: Path) -> None:
    """With the layers turned upside down the same check goes red."""
    upside_down = CONTRACTS.read_text("utf-8").replace(
        "    streams\n    processors | sinks\n    schemas\n",
        "    schemas\n    processors | sinks\n    streams\n",
    )
    path = tmp_path / "importlinter"
    path.write_text(upside_down, "utf-8")
    assert lint_imports(config_filename=str(path), no_cache=True) == EXIT_STATUS_ERROR
