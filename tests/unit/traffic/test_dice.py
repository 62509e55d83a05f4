"""Draws: the same everywhere, and distributed as they say."""

from __future__ import annotations

import numpy as np

from streams.traffic.dice import Dice, cumulative, zipf_weights


def test_the_stream_of_a_seed_is_fixed_for_ever() -> None:
    """PCG64's words for a known seed are these, whatever numpy's version."""
    assert Dice(1, 1).words(3).tolist() == [
        6_121_965_077_920_697_375,
        11_287_488_425_574_791_786,
        9_364_169_760_491_853_560,
    ]


def test_purposes_do_not_share_a_stream() -> None:
    """Two purposes of one seed draw different words."""
    assert Dice(1, 1).words(4).tolist() != Dice(1, 2).words(4).tolist()


def test_places_do_not_share_a_stream() -> None:
    """Two places of one purpose draw different words, and the same place the same."""
    assert Dice(1, 1, 5).words(4).tolist() != Dice(1, 1, 6).words(4).tolist()
    assert Dice(1, 1, 5).words(4).tolist() == Dice(1, 1, 5).words(4).tolist()


def test_blocks_do_not_change_the_stream() -> None:
    """Drawing in one block or in two gives the same numbers."""
    whole, parts = Dice(7, 1), Dice(7, 1)
    assert whole.words(10).tolist() == [*parts.words(4).tolist(), *parts.words(6).tolist()]


def test_pick_follows_the_weights() -> None:
    """Of 100,000 draws each index gets its share, within one percent of all."""
    drawn = Dice(3, 1).pick(cumulative((1, 2, 7)), 100_000)
    shares = np.bincount(drawn, minlength=3) / 100_000
    assert np.abs(shares - np.array([0.1, 0.2, 0.7])).max() < 0.01


def test_pick_stays_inside_the_table() -> None:
    """No draw is outside the table, not even with weights whose sum rounds badly."""
    drawn = Dice(3, 1).pick(cumulative([0.1] * 33), 100_000)
    assert int(drawn.min()) == 0
    assert int(drawn.max()) == 32


def test_zipf_weights_fall_as_one_over_rank() -> None:
    """Without flatness the tenth rank weighs a tenth of the first."""
    weights = zipf_weights(100, flatness=0.0)
    assert weights[0] / weights[9] == 10.0


def test_long_tail_has_its_median_and_its_limit() -> None:
    """Half of the draws are below the median, and none is above the limit."""
    drawn = Dice(5, 1).long_tail(9_000, 64_000, 100_000)
    assert 0.49 < float((drawn < 9_000).mean()) < 0.51
    assert int(drawn.max()) == 64_000
