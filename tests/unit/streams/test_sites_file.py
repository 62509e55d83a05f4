"""The sites file as commands change it: what was there stays, what is added is read back."""

from __future__ import annotations

import os
import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collector.sites import SiteModel, SitesError, load_sites
from streams.sites_file import add_site, add_write_key, make_model, read_model, read_models
from streams.write_key import digest_write_key, draw_write_key

COMMENTED = """\
# Our sites. Ask the shop's people before you change theirs.

[[sites]]
id   =   "blog"          # the oldest
origins = [
    "https://blog.example.org",  # one
    'https://www.blog.example.org',
]

# The shop
[[sites]]
id = "shop"
origins = ["https://shop.example.org"]
write_keys = [
    # the warehouse
    "0000000000000000000000000000000000000000000000000000000000000000",
]

# the end, without a line's end"""
OLD_KEY = "0" * 64

LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
HOSTS = st.lists(LABELS, min_size=1, max_size=3).map(".".join)
ORIGINS = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["", "*.below."]),
    HOSTS,
    st.sampled_from(["", ":8443"]),
)
NETWORKS = st.ip_addresses().map(str) | st.sampled_from(
    ["203.0.113.0/24", "2001:db8::/32", 'fe80::1%"eth\\0#']
)
MODELS = st.builds(
    SiteModel,
    id=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True),
    origins=st.lists(ORIGINS, min_size=1, max_size=4).map(tuple),
    time_zone=st.sampled_from(["UTC", "Europe/Kyiv", "America/New_York"]),
    query_parameters=st.lists(
        st.from_regex(r"[A-Za-z0-9_.\[\]-]{1,40}", fullmatch=True), max_size=3
    ).map(tuple),
    excluded_addresses=st.lists(NETWORKS, max_size=3).map(tuple),
    write_keys=st.lists(st.from_regex(r"[0-9a-f]{64}", fullmatch=True), max_size=2).map(tuple),
    synthetic=st.booleans(),
    keep_headless=st.booleans(),
    keep_data_centers=st.booleans(),
)
# What people write around tables: comments in any script, blank lines, both kinds of line end.
TRIVIA = st.lists(
    st.sampled_from(["", "# [[sites]]", "   # Сайти", '#"""', "\t", "# end \\"]), max_size=4
)
LINE_ENDS = st.sampled_from(["\n", "\r\n"])


def write(folder: Path, text: str) -> Path:
    """Write a sites file as it is, line ends and all."""
    path = folder / "sites.toml"
    path.write_bytes(text.encode())
    return path


def read(path: Path) -> str:
    """Read a sites file as it is."""
    return path.read_bytes().decode()


def site(site_id: str = "new", **fields: object) -> SiteModel:
    """Make a site with one origin."""
    return make_model(id=site_id, origins=("https://new.example.org",), **fields)


@given(models=st.lists(MODELS, min_size=1, max_size=4, unique_by=lambda model: model.id))
def test_what_is_added_is_read_back(models: list[SiteModel]) -> None:
    """Sites that are added one by one are the sites that the collector loads, field by field."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sites.toml"
        for model in models:
            add_site(path, model)
        assert read_models(path) == tuple(models)
        assert list(load_sites(path).by_id) == [model.id for model in models]


@given(
    old=MODELS,
    new=MODELS.filter(lambda model: model.id != "old"),
    around=st.tuples(TRIVIA, TRIVIA),
    line_end=LINE_ENDS,
    ends=st.booleans(),
)
def test_what_stands_in_the_file_stays(
    old: SiteModel,
    new: SiteModel,
    around: tuple[list[str], list[str]],
    line_end: str,
    *,
    ends: bool,
) -> None:
    """Every byte of the file before is the beginning of the file after."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sites.toml"
        add_site(path, old.model_copy(update={"id": "old"}))
        lines = [*around[0], *read(path).splitlines(), *around[1]]
        write(path.parent, line_end.join(lines) + (line_end if ends else ""))
        before = path.read_bytes()
        add_site(path, new)
        assert path.read_bytes().startswith(before)
        assert [model.id for model in read_models(path)] == ["old", new.id]


@given(models=st.lists(MODELS, min_size=1, max_size=3, unique_by=lambda model: model.id))
def test_a_key_changes_one_site_alone(models: list[SiteModel]) -> None:
    """A new key stands at the end of its site's keys, and no other field of any site changes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sites.toml"
        for model in models:
            add_site(path, model)
        key = draw_write_key()
        add_write_key(path, models[0].id, key, revoke_others=False)
        keys = (*models[0].write_keys, digest_write_key(key))
        changed = models[0].model_copy(update={"write_keys": keys})
        assert read_models(path) == (changed, *models[1:])


def test_comments_and_lines_are_kept(tmp_path: Path) -> None:
    """A table is appended behind a blank line; of the old text nothing moves."""
    path = write(tmp_path, COMMENTED)
    add_site(path, site(time_zone="Europe/Kyiv"))
    assert read(path) == COMMENTED + (
        '\n\n[[sites]]\nid = "new"\norigins = ["https://new.example.org"]\n'
        'time_zone = "Europe/Kyiv"\n'
    )


def test_line_ends_are_those_of_the_file(tmp_path: Path) -> None:
    """A file of one kind of line end stays so."""
    path = write(tmp_path, COMMENTED.replace("\n", "\r\n"))
    add_site(path, site())
    add_write_key(path, "shop", draw_write_key(), revoke_others=True)
    assert read(path).count("\r\n") == read(path).count("\n") > COMMENTED.count("\n")


def test_a_first_key_stands_in_its_own_table(tmp_path: Path) -> None:
    """The line of a first key follows the fields of its site, not the next site's comment."""
    path = write(tmp_path, COMMENTED)
    key = draw_write_key()
    add_write_key(path, "blog", key, revoke_others=False)
    line = f'write_keys = ["{digest_write_key(key)}"]\n'
    assert read(path) == COMMENTED.replace("]\n\n# The shop", f"]\n{line}\n# The shop")


def test_a_second_key_joins_the_first(tmp_path: Path) -> None:
    """Rotation: the old key is good until it is revoked, and its comment stays."""
    path = write(tmp_path, COMMENTED)
    key = draw_write_key()
    assert add_write_key(path, "shop", key, revoke_others=False) == 2
    old = f'    "{OLD_KEY}",\n'
    assert read(path) == COMMENTED.replace(old, f'{old}    "{digest_write_key(key)}",\n')


def test_a_revoked_key_is_gone(tmp_path: Path) -> None:
    """With the others revoked the new key is the only one, and the rest of the file stays."""
    path = write(tmp_path, COMMENTED)
    key = draw_write_key()
    assert add_write_key(path, "shop", key, revoke_others=True) == 1
    assert read_model(path, "shop").write_keys == (digest_write_key(key),)
    assert OLD_KEY not in read(path)
    head, _, tail = COMMENTED.partition("write_keys")
    assert read(path).startswith(head)
    assert read(path).endswith(tail.partition("]\n")[2])


@pytest.mark.parametrize("text", ["", "# none yet\n", "\r\n# none yet"])
def test_a_file_without_sites_gets_its_first(tmp_path: Path, text: str) -> None:
    """An empty file, or one of comments, is a beginning and no fault."""
    path = write(tmp_path, text)
    add_site(path, site())
    assert read(path).startswith(text)
    assert [model.id for model in read_models(path)] == ["new"]


def test_a_missing_file_is_made(tmp_path: Path) -> None:
    """Without a file the first site makes one that the collector's user can read."""
    path = tmp_path / "sites.toml"
    add_site(path, site())
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["sites.toml"], "and nothing else"


def test_the_mode_is_kept_and_a_link_stays_one(tmp_path: Path) -> None:
    """A file that only some may read stays so, also behind a link."""
    (tmp_path / "etc").mkdir()
    real = write(tmp_path / "etc", COMMENTED)
    real.chmod(0o640)
    link = tmp_path / "sites.toml"
    link.symlink_to(real)
    add_site(link, site())
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert len(read_models(real)) == 3


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    """The file is replaced, never written over: who has it open reads the old one to its end."""
    path = write(tmp_path, COMMENTED)
    with path.open("rb") as reading:
        add_site(path, site())
        assert reading.read().decode() == COMMENTED
        assert os.fstat(reading.fileno()).st_ino != path.stat().st_ino


def test_commands_at_once_lose_nothing(tmp_path: Path) -> None:
    """Sites that are added at the same time are all there."""
    path = write(tmp_path, COMMENTED)
    ids = [f"site-{number}" for number in range(16)]
    with ThreadPoolExecutor(8) as together:
        list(together.map(lambda site_id: add_site(path, site(site_id)), ids))
    assert {model.id for model in read_models(path)} == {"blog", "shop", *ids}


def test_a_taken_id_is_refused(tmp_path: Path) -> None:
    """A second site of one id is refused by its name, and the file is left alone."""
    path = write(tmp_path, COMMENTED)
    with pytest.raises(SitesError, match=r"^adding site: id: .*sites\.toml has a site 'shop'"):
        add_site(path, site("shop"))
    assert read(path) == COMMENTED


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "Shop"),
        ("origins", ["https://shop.example.org/"]),
        ("origins", []),
        ("time_zone", "Europe/Atlantis"),
        ("query_parameters", ["a b"]),
        ("excluded_addresses", ["203.0.113.0/33"]),
    ],
)
def test_a_wrong_field_is_named(field: str, value: object) -> None:
    """What can not be is refused in one sentence that begins with the field."""
    good = {"id": "shop", "origins": ["https://shop.example.org"]}
    with pytest.raises(SitesError) as caught:
        make_model(**{**good, field: value})
    assert str(caught.value).startswith(f"adding site: {field}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "[[sites]\n",
        "colour = 1\n",
        '[[sites]]\nid = "a"\n',
        'sites = [{ id = "a", origins = ["https://a.example"] }]\n',
    ],
)
def test_a_file_that_can_not_be_added_to_is_left_alone(tmp_path: Path, text: str) -> None:
    """A file at fault, or of another shape, is named and not touched."""
    path = write(tmp_path, text)
    with pytest.raises(SitesError, match=r"sites\.toml: "):
        add_site(path, site())
    assert read(path) == text
    assert [each.name for each in tmp_path.iterdir()] == ["sites.toml"]


def test_a_key_of_an_inline_table(tmp_path: Path) -> None:
    """A site that is written as an inline table gets its key too."""
    path = write(tmp_path, 'sites = [{ id = "a", origins = ["https://a.example"] }] # short\n')
    add_write_key(path, "a", draw_write_key(), revoke_others=False)
    assert len(read_model(path, "a").write_keys) == 1
    assert read(path).endswith(" # short\n")


def test_an_unknown_site_is_named(tmp_path: Path) -> None:
    """A key for a site that is not there is refused, and no site is made."""
    path = write(tmp_path, COMMENTED)
    with pytest.raises(SitesError, match="no site 'cafe'"):
        add_write_key(path, "cafe", draw_write_key(), revoke_others=True)
    with pytest.raises(SitesError, match="no site 'cafe'"):
        read_model(path, "cafe")
    assert read(path) == COMMENTED


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A file in no folder is refused in one sentence."""
    with pytest.raises(SitesError, match="No such file or directory"):
        add_site(tmp_path / "none" / "sites.toml", site())


def test_a_key_can_not_be_guessed_or_read_back() -> None:
    """A key has 256 random bits behind its prefix; its digest is the SHA-256 of its whole text."""
    keys = {draw_write_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("hmw_") and len(key) == 47 for key in keys)
    assert digest_write_key("hmw_abc") == (
        "7c5f2c427102a8d20fa4f2cacbd09982884ee1f84469f1dced2caae95687a6a7"
    )
