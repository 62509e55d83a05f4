"""Which form of a file a client gets, and when it is told that it has it."""

from __future__ import annotations

import gzip
from pathlib import Path

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collector.negotiation import choose_encoding, has_etag
from streams.collector.tag_file import StaticFile, TagFile

BODY = b"function hmara() { return 'a tag that compresses'; }\n" * 40

CHOICES = {
    "": "identity",
    "identity": "identity",
    "gzip": "gzip",
    "x-gzip": "gzip",
    "GZIP": "gzip",
    "br": "br",
    "gzip, deflate, br": "br",
    "gzip, deflate, br, zstd": "br",
    "deflate": "identity",
    "*": "br",
    "br;q=0": "identity",
    "br;q=0, *": "gzip",
    "br;q=0.5, gzip": "gzip",
    "br;q=0.5, gzip;q=0.5": "br",
    "gzip;q=0.1, identity;q=0.9": "identity",
    "identity;q=0, gzip;q=0.001": "gzip",
    "br;q=0, gzip;q=0": "identity",
    "*;q=0": "identity",
    "gzip ; q=0.4 , br ; q=0.2": "gzip",
    "gzip;q=nonsense": "identity",
    "gzip;q=nan, br;q=inf": "identity",
    "gzip;level=9": "gzip",
    ";;,,": "identity",
}


@pytest.mark.parametrize("accepted", CHOICES)
def test_the_client_has_the_choice(accepted: str) -> None:
    """The coding with the highest weight is taken, of equals the smaller; refused ones never."""
    assert choose_encoding(accepted, ("br", "gzip")) == CHOICES[accepted]


@given(st.text(max_size=60))
def test_any_wish_is_answered(accepted: str) -> None:
    """Whatever stands in Accept-Encoding, one of the forms is chosen."""
    assert choose_encoding(accepted, ("br", "gzip")) in {"br", "gzip", "identity"}


ETAGS = {
    '"a"': True,
    'W/"a"': True,
    '"b", "a"': True,
    '"b",W/"a"': True,
    "*": True,
    "": False,
    "a": False,
    '"ab"': False,
    '"b"': False,
}


@pytest.mark.parametrize("if_none_match", ETAGS)
def test_an_etag_is_named_whole(if_none_match: str) -> None:
    """A tag counts as named if it stands in the list, weak or strong, or if any will do."""
    assert has_etag(if_none_match, '"a"') == ETAGS[if_none_match]


def test_each_form_is_the_file() -> None:
    """Every coding unpacks to the same bytes, is smaller, and has an ETag of its own."""
    file = StaticFile(BODY, b"text/javascript", 60)
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress}
    etags = {dict(file.respond("").headers)[b"etag"]}
    for encoding, opened in unpack.items():
        answer = file.respond("", encoding)
        headers = dict(answer.headers)
        assert headers[b"content-encoding"] == encoding.encode()
        assert headers[b"vary"] == b"Accept-Encoding"
        assert opened(answer.body) == BODY
        assert len(answer.body) < len(BODY)
        etags.add(headers[b"etag"])
    assert len(etags) == 3


def test_a_form_is_known_by_its_own_etag() -> None:
    """304 is for the form that would be sent: another form's ETag brings the file."""
    file = StaticFile(BODY, b"text/javascript", 60)
    etag = dict(file.respond("", "gzip").headers)[b"etag"].decode()
    unchanged = file.respond(etag, "gzip")
    assert (unchanged.status, unchanged.body) == (304, b"")
    assert {name for name, _ in unchanged.headers} == {b"cache-control", b"etag", b"vary"}
    assert file.respond(etag, "br").status == 200
    assert file.respond(etag).status == 200


def test_what_does_not_shrink_is_sent_plain(tmp_path: Path) -> None:
    """A file that compression makes larger is served as it is."""
    path = tmp_path / "tag.js"
    path.write_bytes(b";")
    answer = TagFile(path).respond("", "br, gzip")
    assert answer.body == b";"
    assert b"content-encoding" not in dict(answer.headers)
