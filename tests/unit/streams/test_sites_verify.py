"""From what was seen of a page to what is said about it."""

from __future__ import annotations

import dataclasses
from zoneinfo import ZoneInfo

import pytest

from processors.reasons import DropReason
from streams.collector.sites import Site
from streams.verify.judge import Check, Expected, Finding, is_verified, judge, to_origin
from streams.verify.observation import Observation, Outcome, ScriptElement, Sent
from streams.verify.read_html import find_elements

COLLECTOR = "https://stats.example.net"
SRC = f"{COLLECTOR}/tag.js"
SITE = Site("shop", frozenset({"https://shop.example.org"}), ZoneInfo("UTC"))
EXPECTED = Expected(SITE, "", "<script …>")
ALL_WELL = Observation(
    page_url="https://shop.example.org/cups",
    page=Outcome(200),
    elements=(ScriptElement("shop", SRC),),
    script=Outcome(200),
    sent=Sent(
        1, "https://shop.example.org/cups", Outcome(202, content={"accepted": 1, "dropped": {}})
    ),
)
VIOLATION = (
    f"Loading the script '{SRC}' violates the following Content Security Policy directive: "
    "\"script-src 'self'\". The action has been blocked."
)


def judged(seen: Observation, expected: Expected = EXPECTED) -> dict[Check, Finding]:
    """Judge, and look that every check has one finding, in order."""
    findings = judge(seen, expected)
    assert [each.check for each in findings] == [each for each in Check if each != Check.STORED]
    return {each.check: each for each in findings}


def answered(status: int | None, failure: str = "", **content: object) -> Observation:
    """Return a page that is all well but for the collector's answer."""
    sent = Sent(1, "https://shop.example.org/cups", Outcome(status, failure, content))
    return dataclasses.replace(ALL_WELL, sent=sent)


def test_when_all_is_well() -> None:
    """A page with the tag, whose events are accepted, is verified, with nothing left open."""
    findings = judged(ALL_WELL)
    assert {each.is_good for each in findings.values()} == {True}
    assert is_verified(list(findings.values()))


@pytest.mark.parametrize(
    ("dropped", "is_right"),
    [
        ({"headless": 2}, True),
        ({"excluded_address": 1}, True),
        ({"headless": 1, "excluded_address": 1}, True),
        ({"headless": 1, "bot": 1}, False),
        ({"bot": 1}, False),
        ({"data_center": 1}, False),
        ({"opted_out": 1}, False),
        ({"referrer_spam": 1}, False),
        ({"of_a_later_version": 1}, False),
        ({}, False),
    ],
)
def test_what_may_be_dropped(dropped: dict[str, int], *, is_right: bool) -> None:
    """Dropped as headless or from an own address, the tag is well; for another reason it is not."""
    findings = judged(answered(202, accepted=0, dropped=dropped))
    assert findings[Check.ANSWER].is_good is is_right
    assert is_verified(list(findings.values())) is is_right
    assert all(reason in findings[Check.ANSWER].text for reason in dropped)


@pytest.mark.parametrize("reason", list(DropReason))
def test_every_reason_is_explained(reason: DropReason) -> None:
    """Each reason for which a collector drops events has a sentence of its own."""
    text = judged(answered(202, accepted=0, dropped={reason.value: 1}))[Check.ANSWER].text
    assert "unknown" not in text


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (answered(404, reason="unknown_site"), "does not know the site"),
        (answered(404, reason="not_found"), "is the address right"),
        (answered(404), "is the address right"),
        (answered(403, reason="wrong_origin"), "from this origin"),
        (answered(403, reason=["no", "text"]), "answers 403"),
        (answered(429), "less often"),
        (answered(503, reason="not_durable"), "Kafka"),
        (answered(422), "answers 422"),
        (answered(520), "answers 520"),
        (answered(None, "net::ERR_CONNECTION_REFUSED"), "nobody listens"),
        (answered(202), "does not say"),
        (answered(202, accepted="one", dropped=[1]), "does not say"),
    ],
)
def test_a_refusal_is_explained(seen: Observation, said: str) -> None:
    """Whatever the collector answers, the finding says what it means; nothing is verified."""
    findings = judged(seen)
    assert findings[Check.ANSWER].is_good is False
    assert said in findings[Check.ANSWER].text
    assert not is_verified(list(findings.values()))


def test_a_page_that_does_not_answer() -> None:
    """Without a page there is one fault, and nothing else is claimed."""
    failure = Outcome(failure="net::ERR_NAME_NOT_RESOLVED")
    findings = judged(Observation("https://shop.example.org/", failure))
    assert findings.pop(Check.PAGE).is_good is False
    assert {each.is_good for each in findings.values()} == {None}


def test_a_page_without_the_tag_is_told_what_to_carry() -> None:
    """Without the tag, the finding has the line to paste; events are not claimed to be missing."""
    findings = judged(dataclasses.replace(ALL_WELL, elements=(), script=None, sent=None))
    assert findings[Check.TAG].is_good is False
    assert EXPECTED.snippet in findings[Check.TAG].text
    assert findings[Check.ANSWER].is_good is None
    assert not is_verified(list(findings.values()))


def test_a_tag_of_another_site_is_named() -> None:
    """A page with the tag of another site does not have ours, and the finding says whose it has."""
    elements = (ScriptElement("blog", SRC),)
    findings = judged(dataclasses.replace(ALL_WELL, elements=elements, sent=None))
    assert findings[Check.TAG].is_good is False
    assert '"blog"' in findings[Check.TAG].text


def test_a_tag_from_another_collector() -> None:
    """When a collector is named, a tag that comes from another one is a fault, accepted or not."""
    other = dataclasses.replace(EXPECTED, collector_url="https://other.example.net")
    findings = judged(ALL_WELL, other)
    assert (findings[Check.TAG].is_good, findings[Check.ANSWER].is_good) == (False, True)
    assert not is_verified(list(findings.values()))
    named = dataclasses.replace(EXPECTED, collector_url=COLLECTOR)
    assert judged(ALL_WELL, named)[Check.TAG].is_good is True


@pytest.mark.parametrize(
    ("base", "src", "is_same"),
    [
        ("https://stats.example.net:443", SRC, True),
        ("https://Stats.example.net/in", f"{COLLECTOR}/in/tag.js", True),
        ("https://stats.example.net/in", f"{COLLECTOR}/inner/tag.js", False),
        ("https://stats.example.net:80", f"{COLLECTOR}:8080/tag.js", False),
        ("https://stats.example.ne", SRC, False),
        ("http://stats.example.net", SRC, False),
    ],
)
def test_a_collector_is_compared_whole(base: str, src: str, *, is_same: bool) -> None:
    """One address is written in several ways, and one that only begins alike is another one."""
    seen = dataclasses.replace(ALL_WELL, elements=(ScriptElement("shop", src),))
    expected = dataclasses.replace(EXPECTED, collector_url=base)
    assert judged(seen, expected)[Check.TAG].is_good is is_same


def test_a_policy_that_refuses_the_tag_is_quoted() -> None:
    """The finding has the directive that refuses, and what is to be let in."""
    seen = dataclasses.replace(
        ALL_WELL, script=Outcome(failure="csp"), violations=(VIOLATION,), sent=None
    )
    findings = judged(seen)
    assert findings[Check.POLICY].is_good is False
    assert "\"script-src 'self'\"" in findings[Check.POLICY].text
    assert COLLECTOR in findings[Check.POLICY].text
    assert findings[Check.SCRIPT].is_good is False


def test_a_policy_in_unknown_words_is_quoted_whole() -> None:
    """A browser that words it in another way is quoted as it is."""
    seen = dataclasses.replace(ALL_WELL, violations=("the policy says no",), sent=None)
    assert "the policy says no" in judged(seen)[Check.POLICY].text


@pytest.mark.parametrize("failure", ["net::ERR_BLOCKED_BY_CLIENT", "mixed-content"])
def test_a_blocker_is_named(failure: str) -> None:
    """What an ad blocker or the browser itself keeps away is a fault of its own."""
    blocked = dataclasses.replace(ALL_WELL, script=Outcome(failure=failure), sent=None)
    assert judged(blocked)[Check.POLICY].is_good is False
    assert judged(answered(None, failure))[Check.POLICY].is_good is False


@pytest.mark.parametrize("script", [None, Outcome(404), Outcome(failure="net::ERR_FAILED")])
def test_a_script_that_does_not_load(script: Outcome | None) -> None:
    """An element whose script is not there is a fault, and says nothing about blockers."""
    findings = judged(dataclasses.replace(ALL_WELL, script=script, sent=None))
    assert findings[Check.SCRIPT].is_good is False
    assert findings[Check.POLICY].is_good is None


def test_a_module_can_not_start() -> None:
    """The tag as a module does not know its own element: the finding says what to take away."""
    elements = (ScriptElement("shop", SRC, type="module"),)
    findings = judged(dataclasses.replace(ALL_WELL, elements=elements, sent=None))
    assert findings[Check.SCRIPT].is_good is False


def test_another_origin_is_to_be_added() -> None:
    """A page elsewhere than the site's origins: the finding says which origin to add."""
    findings = judged(dataclasses.replace(ALL_WELL, page_url="https://www.example.org:8443/cups"))
    assert findings[Check.ORIGIN].is_good is False
    assert 'add "https://www.example.org:8443"' in findings[Check.ORIGIN].text


def test_without_a_browser_nothing_is_verified() -> None:
    """The HTML alone shows the tag, not that its events arrive; what is missing is said."""
    seen = dataclasses.replace(ALL_WELL, sent=None, unseen="install the package chromium")
    findings = judged(seen)
    assert findings[Check.TAG].is_good is True
    assert findings[Check.ANSWER].is_good is None
    assert "install the package chromium" in findings[Check.ANSWER].text
    assert not is_verified(list(findings.values()))


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Shop.example.org/a?b#c", "https://shop.example.org"),
        ("https://shop.example.org:443/", "https://shop.example.org"),
        ("http://shop.example.org:80", "http://shop.example.org"),
        ("http://shop.example.org:443/", "http://shop.example.org:443"),
        ("http://user:word@[2001:db8::1]:81/", "http://[2001:db8::1]:81"),
    ],
)
def test_an_origin_is_what_a_browser_sends(url: str, origin: str) -> None:
    """Lower case, no usual port, no user name, brackets around IPv6."""
    assert to_origin(url) == origin


def test_elements_are_found_in_html() -> None:
    """Without a browser the elements are read from the HTML: not from comments or scripts' text."""
    html = """
    <!doctype html><!-- <script data-site="comment" src="/tag.js"></script> -->
    <SCRIPT ASYNC SRC=//stats.example.net/tag.js data-site=shop></SCRIPT>
    <script data-site="blog" data-endpoint="/in" type="module"></script>
    <script>const text = '<script data-site="text">';</script><script src="/other.js"></script>
    """
    assert find_elements(html, "https://shop.example.org/a") == (
        ScriptElement("shop", SRC),
        ScriptElement("blog", "", "/in", "module"),
    )


def test_an_element_tells_where_its_events_go() -> None:
    """By itself to its own origin's /v1/events, else to where the page says."""
    assert ScriptElement("shop", SRC).endpoint_url == f"{COLLECTOR}/v1/events"
    assert ScriptElement("shop", SRC, "/in/events").endpoint_url == f"{COLLECTOR}/in/events"
    assert ScriptElement("shop", SRC, "https://a.example/").endpoint_url == "https://a.example/"
