"""The redaction rules on the corpus: what they find, and what they leave alone."""

from __future__ import annotations

from typing import Final

import pytest

from streams.collector.redact import RedactionKind, Redactor
from streams.traffic.catalogue import SOURCES, Catalogue, with_campaign
from tests.support import corpus

FLOOR: Final = 0.99
ORDINARY_URLS: Final = 10_000
ORDINARY_PATHS: Final = (corpus.FOLDER / "ordinary_paths.txt").read_text("utf-8").splitlines()


def test_the_corpus_is_large() -> None:
    """The corpus holds at least 600 identifiers, at least 80 of each kind, and 600 negatives."""
    kinds = [kind for line in corpus.load("identifiers.tsv") for kind in line.kinds]
    assert len(kinds) >= 600
    assert min(kinds.count(kind) for kind in RedactionKind) >= 80
    ordinary = corpus.load("ordinary.tsv")
    assert len(ordinary) >= 600
    assert not any(line.kinds for line in ordinary)
    assert len(set(ORDINARY_PATHS)) >= 500


def test_precision_and_recall_hold_for_each_kind() -> None:
    """On the corpus precision and recall are at least 0.99, for each kind and over all."""
    score, failed = corpus.rate([*corpus.load("identifiers.tsv"), *corpus.load("ordinary.tsv")])
    print(f"\n{score.describe()}")  # noqa: T201 - the figures are part of the result
    for kind in RedactionKind:
        assert score.precision(kind) >= FLOOR, failed
        assert score.recall(kind) >= FLOOR, failed


def test_the_held_out_lines_hold_too() -> None:
    """On the lines written before the rules precision and recall are at least 0.99 over all."""
    score, failed = corpus.rate(corpus.load("held_out.tsv"))
    print(f"\n{score.describe()}")  # noqa: T201 - the figures are part of the result
    found = score.found.total()
    assert found >= FLOOR * (found + score.missed.total()), failed
    assert found >= FLOOR * (found + score.wrong.total()), failed


def test_a_rule_that_is_missing_is_seen() -> None:
    """An identifier that stays, or an ordinary line that changes, lowers the score."""
    stays = corpus.Line("text", "nothing here", "[email] here", (RedactionKind.EMAIL,))
    changes = corpus.Line("text", "0671234567", "0671234567", ())
    score, failed = corpus.rate([stays, changes])
    assert failed == [stays, changes]
    assert score.recall(RedactionKind.EMAIL) == 0
    assert score.precision(RedactionKind.PHONE) == 0


def test_ten_thousand_ordinary_urls_stay_as_they_are() -> None:
    """Of more than 10,000 ordinary paths, queries and titles not one is changed."""
    redactor = Redactor(refuse)
    pages = Catalogue().pages
    urls = [page.path for page in pages]
    urls += [with_campaign(path, source.campaign) for path in urls[:1000] for source in SOURCES]
    urls += ORDINARY_PATHS
    assert len(set(urls)) >= ORDINARY_URLS
    assert [url for url in urls if redactor.redact_path(url) != url] == []
    assert [page.title for page in pages if redactor.redact_text(page.title) != page.title] == []


def refuse(kind: RedactionKind) -> None:
    """Fail: nothing is to be counted."""
    pytest.fail(f"a {kind} was found in an ordinary text")
