"""The redaction corpus: lines with marked identifiers, and what must become of them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from streams.collector.redact import RedactionKind, Redactor

FOLDER: Final = Path(__file__).parents[1] / "corpus" / "redaction"
_MARK: Final = re.compile(r"⟦(\w+):(.*?)⟧")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the method that redacts it, the raw text, what is expected, what it holds."""

    where: str
    raw: str
    expected: str
    kinds: tuple[RedactionKind, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """How many identifiers were found, how many replacements were wrong, how many are missing."""

    found: Counter[RedactionKind]
    wrong: Counter[RedactionKind]
    missed: Counter[RedactionKind]

    def precision(self, kind: RedactionKind) -> float:
        """Return the share of the replacements of a kind that are right."""
        return self.found[kind] / max(1, self.found[kind] + self.wrong[kind])

    def recall(self, kind: RedactionKind) -> float:
        """Return the share of the identifiers of a kind that were replaced."""
        return self.found[kind] / max(1, self.found[kind] + self.missed[kind])

    def describe(self) -> str:
        """Return a table of precision and recall by kind, and over all."""
        rows = [
            f"{kind:6} precision {self.precision(kind):.4f} recall {self.recall(kind):.4f}"
            f" ({self.found[kind]} found, {self.wrong[kind]} wrong, {self.missed[kind]} missed)"
            for kind in RedactionKind
        ]
        found, wrong, missed = self.found.total(), self.wrong.total(), self.missed.total()
        rows.append(
            f"all    precision {found / (found + wrong):.4f} recall {found / (found + missed):.4f}"
        )
        return "\n".join(rows)


def load(name: str) -> list[Line]:
    """Read a file of the corpus."""
    lines = []
    for row in (FOLDER / name).read_text("utf-8").splitlines():
        where, _, marked = row.partition("\t")
        lines.append(
            Line(
                where=where,
                raw=_MARK.sub(r"\2", marked),
                expected=_MARK.sub(r"[\1]", marked),
                kinds=tuple(RedactionKind(mark[1]) for mark in _MARK.finditer(marked)),
            )
        )
    return lines


def redact(redactor: Redactor, where: str, text: str) -> str:
    """Redact a text by the method for its place."""
    methods = {
        "text": redactor.redact_text,
        "path": redactor.redact_path,
        "host": redactor.redact_host,
    }
    return methods[where](text)


def rate(lines: list[Line]) -> tuple[Score, list[Line]]:
    """Redact all lines; one that is not exactly as expected counts against all it holds."""
    counted: Counter[RedactionKind] = Counter()
    redactor = Redactor(lambda kind: counted.update([kind]))
    score = Score(Counter(), Counter(), Counter())
    failed = []
    for line in lines:
        counted.clear()
        if redact(redactor, line.where, line.raw) == line.expected:
            score.found.update(line.kinds)
        else:
            failed.append(line)
            score.missed.update(line.kinds)
            score.wrong.update(counted)
    return score, failed
