"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import prometheus_client
import pytest
from prometheus_client.metrics import MetricWrapperBase

from streams import metrics

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("schemas", "processors", "sinks", "streams")
MADE: Final = frozenset({"node_modules", "__pycache__", "dist", "build"})
READABLE: Final = frozenset(
    {".py", ".sql", ".md", ".toml", ".ts", ".mjs", ".js", ".json", ".xml", ".avsc", ".txt", ""}
)
MAX_LINES: Final = 400
VAGUE: Final = frozenset({"utils", "util", "helpers", "helper", "common", "manager", "misc"})
LABELS: Final = frozenset({"site", "route", "status", "reason", "sink", "step", "kind", "signal"})
KINDS: Final = frozenset({"Counter", "Gauge", "Histogram", "Summary"})
SQL: Final = re.compile(
    r"\b(SELECT\s.*\sFROM\s|CREATE\s+(TABLE|DATABASE|VIEW)|INSERT\s+INTO|ALTER\s+TABLE)", re.DOTALL
)


def find_files(folder: Path = ROOT) -> Iterator[Path]:
    """Yield the project's files, without what is fetched or made."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name not in MADE and (path.name == ".ci" or not path.name.startswith(".")):
                yield from find_files(path)
        elif not path.name.startswith("."):
            yield path


FILES: Final = tuple(find_files())
MODULES: Final = tuple(path for path in FILES if path.suffix == ".py")
SHIPPED: Final = tuple(path for path in MODULES if path.relative_to(ROOT).parts[0] in PACKAGES)
TREES: Final = {path: ast.parse(path.read_text("utf-8")) for path in MODULES}


def name_of(path: Path) -> str:
    """Return a file's path within the project."""
    return str(path.relative_to(ROOT))


def test_the_files_are_found() -> None:
    """The rules below look at the whole project, not at an empty list."""
    names = set(map(name_of, FILES))
    assert {"Makefile", "README.md", "streams/runner.py", "tests/conftest.py", ".ci/run"} <= names
    assert len(SHIPPED) > 50


def test_modules_stay_small() -> None:
    """No module is longer than 400 lines."""
    lines = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert not {name: count for name, count in lines.items() if count > MAX_LINES}


def test_modules_are_named_for_what_they_hold() -> None:
    """No module or folder is called by a word that fits anything."""
    vague = [
        name_of(path) for path in MODULES if VAGUE & {path.stem, *path.relative_to(ROOT).parts}
    ]
    assert not vague


def test_modules_say_what_they_own() -> None:
    """Every module opens with a sentence."""
    assert not [name_of(path) for path, tree in TREES.items() if not ast.get_docstring(tree)]


def find_tests() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield every test function with its place."""
    for path, tree in TREES.items():
        if path.stem.startswith("test_"):
            for node in ast.walk(tree):
                if isinstance(
                    node, ast.FunctionDef | ast.AsyncFunctionDef
                ) and node.name.startswith("test_"):
                    yield f"{name_of(path)}:{node.name}", node


def test_tests_state_their_fact() -> None:
    """Every test opens with one sentence on its first line, and there are many tests."""
    tests = dict(find_tests())
    assert len(tests) > 100
    unstated = [
        place
        for place, node in tests.items()
        if not (ast.get_docstring(node) or "").partition("\n")[0].endswith(".")
    ]
    assert not unstated


def test_no_test_sleeps() -> None:
    """Tests wait on conditions: none calls a sleep of more than a turn of the event loop."""
    sleeping = [
        place
        for place, node in find_tests()
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) in {"time.sleep", "sleep", "asyncio.sleep"}
        and ast.unparse(call) != "asyncio.sleep(0)"
    ]
    assert not sleeping


def test_errors_are_ours() -> None:
    """Every error class derives from HmaraError; only a vanished client is no error to show."""
    roots = {
        name
        for name, value in vars(builtins).items()
        if isinstance(value, type) and issubclass(value, BaseException)
    }
    own = {
        node.name
        for path in SHIPPED
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.ClassDef) and roots & set(map(ast.unparse, node.bases))
    }
    assert own <= {"HmaraError", "ClientGoneError"}


def test_sql_lives_in_files() -> None:
    """No string of the code holds a statement longer than a line."""
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in SHIPPED
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and "\n" in node.value.strip()
        and SQL.search(node.value)
    ]
    assert not found


def test_no_file_names_a_machine() -> None:
    """No file holds a path of the machine or the account it was written on."""
    machine = re.compile("/" + r"work/|/(?:home|Users)/(?!runner)\w+/|/ro" + "ot/")
    found = []
    for path in FILES:
        if path.suffix in READABLE:
            text = path.read_text("utf-8", errors="replace")
            found += [f"{name_of(path)}: {match[0]}" for match in machine.finditer(text)]
    assert not found


METRICS: Final = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.describe()[0].name)
def test_a_metric_says_what_it_counts(metric: MetricWrapperBase) -> None:
    """A metric is named hmara_<stage>_<thing>, has a help sentence, and no label of a person."""
    (described, *_) = metric.describe()
    assert re.fullmatch(r"hmara_[a-z]+_[a-z]+(_[a-z]+)*", described.name)
    assert described.documentation.endswith(".")
    assert set(metric._labelnames) <= LABELS  # noqa: SLF001 - it has no other name


def test_metrics_are_declared_in_one_place() -> None:
    """Only `streams/metrics.py` takes metric classes from the library."""
    assert set(dir(prometheus_client)) >= KINDS
    taking = {
        name_of(path)
        for path in SHIPPED
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.ImportFrom)
        and node.module == "prometheus_client"
        and KINDS & {alias.name for alias in node.names}
    }
    assert taking == {"streams/metrics.py"}
