"""Bodies of every kind: good ones, good ones with something wrong in them, and none at all."""

from __future__ import annotations

import json
from typing import Any, Final

from hypothesis import strategies as st

from streams.collector.payload import MAX_AGE_MS, MAX_SEQ

_TYPES: Final = (
    *("page_view", "click", "engagement", "page_end"),
    *("outbound", "download", "form_submit", "custom", "mouse_move"),
)
_TEXTS: Final = st.text(max_size=40)
_NUMBERS: Final = st.integers(-(2**70), 2**70) | st.floats()
_SCALARS: Final = st.none() | st.booleans() | _NUMBERS | _TEXTS
ANY_JSON: Final = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=8,
)
_URLS: Final = st.builds(
    "https://www.example.org/{}{}".format, _TEXTS, st.sampled_from(["", "?q=1", "#top"])
)
_EVENTS: Final = st.fixed_dictionaries(
    {
        "type": st.sampled_from(_TYPES),
        "seq": st.integers(0, MAX_SEQ),
        "url": _URLS,
        "engaged_ms": st.integers(0, 1_000),
        "link": _URLS,
        "name": st.text(min_size=1, max_size=20),
    },
    optional={
        "age_ms": st.integers(0, MAX_AGE_MS),
        "title": _TEXTS,
        "referrer": _TEXTS | _URLS,
        "target_label": _TEXTS,
        "x_permille": st.integers(0, 1_000),
        "scroll_permille": st.integers(0, 1_000) | st.none(),
        "properties": st.dictionaries(_TEXTS.filter(bool), _TEXTS | st.booleans(), max_size=3),
    },
)
_FIELDS: Final = (
    *("site", "page_load_id", "events", "language", "screen", "viewport", "keyboard"),
    *("webdriver", "gpc", "dnt", "choice", "consent", "unknown"),
)


def _good(site: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "site": st.just(site),
            "page_load_id": st.text("0123456789abcdef", min_size=16, max_size=16),
            "events": st.lists(_EVENTS, min_size=1, max_size=4),
        },
        optional={
            "language": st.sampled_from(["uk-UA", "en", ""]),
            "screen": st.tuples(st.integers(0, 9_999), st.integers(0, 9_999)),
            "gpc": st.booleans(),
            "choice": st.sampled_from(["", "out"]),
        },
    )


@st.composite
def _spoilt(draw: st.DrawFn, site: str) -> dict[str, Any]:
    """Return a good body with a field, or one of an event, replaced by anything."""
    body = draw(_good(site))
    place = body if draw(st.booleans()) else body["events"][0]
    place[draw(st.sampled_from((*_FIELDS, *place)))] = draw(ANY_JSON)
    return body


def _write(body: Any) -> bytes:  # noqa: ANN401 - any JSON
    return json.dumps(body).encode()


@st.composite
def _cut(draw: st.DrawFn, site: str) -> bytes:
    body = _write(draw(_good(site)))
    return body[: draw(st.integers(0, len(body)))] + draw(st.binary(max_size=3))


def any_bodies(site: str) -> st.SearchStrategy[bytes]:
    """Return bodies for a site; about half of them are good."""
    good = _good(site).map(_write)
    return st.one_of(
        good,
        good,
        _spoilt(site).map(_write),
        _cut(site),
        ANY_JSON.map(_write),
        st.binary(max_size=99),
    )
