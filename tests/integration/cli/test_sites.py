"""`hmara sites` on the command line, and a real collector that reads what it has written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from streams.sites_file import read_model
from streams.write_key import digest_write_key
from tests.integration.cli.calling import Hmara
from tests.support.services import Stack

pytestmark = pytest.mark.integration

ORIGIN = "https://shop.example.org"
KEY = re.compile(r"\bhmw_[A-Za-z0-9_-]{43}\b")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder without anything, and return where its sites file would be."""
    monkeypatch.setenv("HMARA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HMARA_COLLECTOR_SITES_FILE", raising=False)
    monkeypatch.delenv("HMARA_COLLECTOR_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "sites.toml"


def test_a_site_that_was_added_is_served(stack: Stack, hmara: Hmara) -> None:
    """A collector takes events for an added site from its origin, its subdomains, and no other."""
    done = hmara("sites", "add", "shop", "--origin", ORIGIN, "--origin", "https://*.example.com")
    assert (done.code, done.err.count("hmara:")) == (0, 0)
    url = stack.start_collector()
    answers = {
        origin: post(url, "shop", origin).status_code
        for origin in (ORIGIN, "https://a.example.com", "https://example.com", stack.origin)
    }
    assert list(answers.values()) == [202, 202, 403, 403]
    assert post(url, stack.site, stack.origin).status_code == 202, "the site from before"


def test_a_key_that_was_drawn_opens_the_collector(stack: Stack, hmara: Hmara) -> None:
    """Servers send with a key as it was printed; a revoked key opens nothing."""
    revoked, first, second = (
        hmara("sites", "key", stack.site, *options).out.strip()
        for options in ((), ("--revoke-others",), ())
    )
    url = stack.start_collector()
    event = {"type": "page_view", "url": f"{stack.origin}/cups", "id": str(uuid4())}
    body = json.dumps({"site": stack.site, "events": [event]})
    statuses = [
        httpx.post(
            f"{url}/v1/server-events",
            content=body,
            headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
        ).status_code
        for key in (first, second, revoked, digest_write_key(first))
    ]
    assert statuses == [202, 202, 401, 401]


def post(url: str, site: str, origin: str) -> httpx.Response:
    """Send one page view as a person's browser does."""
    event = {"type": "page_view", "seq": 0, "url": f"{ORIGIN}/cups"}
    body = {"site": site, "page_load_id": "c0ffee00c0ffee00", "events": [event]}
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    headers = {"origin": origin, "content-type": "text/plain", "user-agent": agent}
    return httpx.post(f"{url}/v1/events", content=json.dumps(body), headers=headers)


def test_add_says_what_to_do_next(call_main: Hmara, file: Path) -> None:
    """It prints what the pages carry, and that a running collector is to be restarted."""
    url = "https://stats.example.net"
    done = call_main("sites", "add", "shop", "--origin", ORIGIN, "--collector", url)
    assert done.code == 0
    assert f'<script async src="{url}/tag.js" data-site="shop"></script>\n' in done.out
    assert "/v1/pixel.gif?site=shop&amp;path=/" in done.out
    assert "restart" in done.out
    assert file.exists()


def test_every_field_has_an_option(call_main: Hmara, file: Path) -> None:
    """Options that can be given twice become lists, in their order."""
    line = (
        f"sites add shop --origin {ORIGIN} --origin https://*.example.com --time-zone Europe/Kyiv "
        "--parameter q --parameter page --exclude 203.0.113.0/24 --exclude 2001:db8::1"
    )
    assert call_main(*line.split()).code == 0
    model = read_model(file, "shop")
    assert model.origins == (ORIGIN, "https://*.example.com")
    assert model.time_zone == "Europe/Kyiv"
    assert model.query_parameters == ("q", "page")
    assert model.excluded_addresses == ("203.0.113.0/24", "2001:db8::1")
    assert model.write_keys == ()


def test_a_write_key_is_shown_once_and_not_kept(call_main: Hmara, file: Path) -> None:
    """The key is printed once; the file has its digest, and no command prints either again."""
    done = call_main("sites", "add", "shop", "--origin", ORIGIN, "--with-write-key")
    (key,) = KEY.findall(done.out + done.err)
    assert read_model(file, "shop").write_keys == (digest_write_key(key),)
    assert key not in file.read_text("utf-8")
    for line in ("sites list", "sites list --json", "sites snippet shop"):
        printed = call_main(*line.split())
        assert printed.code == 0
        assert digest_write_key(key) not in printed.out + printed.err
        assert key not in printed.out + printed.err


def test_a_key_can_be_piped(call_main: Hmara, file: Path) -> None:
    """`key` prints the key alone; without --revoke-others the old one is good for a while."""
    call_main("sites", "add", "shop", "--origin", ORIGIN)
    first, second, third = (
        call_main(*line.split())
        for line in ("sites key shop", "sites key shop", "sites key shop --revoke-others")
    )
    for done in (first, second, third):
        assert KEY.fullmatch(done.out.strip())
    assert "2 write keys" in second.err
    assert "1 write key " in third.err
    assert read_model(file, "shop").write_keys == (digest_write_key(third.out.strip()),)


def test_a_list_is_a_table_or_json(call_main: Hmara, file: Path) -> None:
    """Sites are listed with origins, zone, flags and the number of their keys."""
    file.write_text(
        f'[[sites]]\nid = "shop"\norigins = ["{ORIGIN}", "http://[2001:db8::1]:81"]\n'
        "keep_headless = true\n",
        "utf-8",
    )
    call_main("sites", "add", "blog", "--origin", "https://blog.example.org", "--with-write-key")
    table = call_main("sites", "list").out
    for word in ("shop", ORIGIN, "http://[2001:db8::1]:81", "UTC", "keep_headless", "blog"):
        assert word in table
    listed = json.loads(call_main("sites", "list", "--json").out)
    assert [(each["id"], each["write_keys"]) for each in listed] == [("shop", 0), ("blog", 1)]


def test_a_snippet_can_be_piped(call_main: Hmara, file: Path) -> None:
    """On stdout are the two lines and nothing else; what to know about them is on stderr."""
    call_main("sites", "add", "shop", "--origin", "https://*.example.org")
    done = call_main("sites", "snippet", "shop")
    script, pixel = done.out.splitlines()
    source = "http://127.0.0.1:8080/tag.js"
    assert script == (
        f'<script async src="{source}" data-site="shop" data-domain="example.org"></script>'
    )
    assert pixel.startswith('<noscript><img src="http://127.0.0.1:8080/v1/pixel.gif?site=shop&amp;')
    assert "the page's own path" in done.err
    assert file.exists()


def test_another_file_can_be_named(call_main: Hmara, file: Path) -> None:
    """--sites names the file to every command."""
    other = str(file.with_name("other.toml"))
    for line in (f"add shop --origin {ORIGIN}", "key shop", "list", "snippet shop"):
        assert call_main("sites", *line.split(), "--sites", other).code == 0
    assert not file.exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("add shop --origin https://a.example", "id: "),
        ("add new --origin a.example", "origins: "),
        ("add new --origin https://a.example --time-zone Kyiv", "time_zone: "),
        ("add new --origin https://a.example --exclude everybody", "excluded_addresses: "),
        ("add new --origin https://a.example --collector a.example", "collector's address"),
        ("snippet cafe", "no site 'cafe'"),
        ("key cafe", "no site 'cafe'"),
        ("verify cafe https://a.example/", "no site 'cafe'"),
        ("verify shop a.example", "no http(s) address"),
        ("verify shop file:///etc/passwd", "no http(s) address"),
        ("list --sites none.toml", "No such file"),
    ],
)
def test_a_mistake_is_one_sentence(call_main: Hmara, file: Path, line: str, said: str) -> None:
    """What can not be done is said in one sentence with exit code 1, and the file is left alone."""
    call_main("sites", "add", "shop", "--origin", ORIGIN)
    before = file.read_bytes()
    done = call_main("sites", *line.split())
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("hmara: ")
    assert said in done.err
    assert done.err.count("\n") == 1
    assert file.read_bytes() == before


@pytest.mark.parametrize("line", ["add shop", "add", "verify shop", "key", "list --nonsense"])
def test_a_line_that_lacks_something_is_said_to(call_main: Hmara, file: Path, line: str) -> None:
    """A command line that can not be understood: exit code 2, and no file is made."""
    assert call_main("sites", *line.split()).code == 2
    assert not file.exists()
