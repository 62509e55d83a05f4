"""From what was seen to findings: what is well, what is not, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from processors.reasons import DropReason
from streams.collector.problems import Reason
from streams.collector.sites import Site
from streams.verify.observation import Observation, Outcome, ScriptElement, Sent

_EXCUSED: Final = frozenset({DropReason.HEADLESS, DropReason.EXCLUDED_ADDRESS})
"""What is dropped for these came through, and would have counted for a visitor."""
_DIRECTIVE: Final = re.compile(r"Security Policy directive: \"([^\"]*)\"")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_REFUSALS: Final = {
    "csp": "the page's Content-Security-Policy refuses it",
    "mixed-content": "an https page can not load what is http",
    "net::ERR_BLOCKED_BY_CLIENT": "an ad blocker or another extension refused it",
    "net::ERR_CONNECTION_REFUSED": "nobody listens at its address",
    "net::ERR_NAME_NOT_RESOLVED": "its host has no address",
}
_BLOCKS: Final = frozenset({"csp", "mixed-content", "net::ERR_BLOCKED_BY_CLIENT"})
_RESTART: Final = "a running collector reads its sites file at its start, so restart it"
_ANSWERS: Final[dict[object, str]] = {
    Reason.UNKNOWN_SITE: f"does not know the site: {_RESTART}",
    Reason.WRONG_ORIGIN: f"does not take this site's events from this origin: {_RESTART} once the "
    "origin is among the site's",
    Reason.NOT_DURABLE: "can not store events now: does Kafka run?",
    HTTPStatus.NOT_FOUND: "may be no collector: is the address right?",
    HTTPStatus.TOO_MANY_REQUESTS: "asks this address to come less often: try again later",
}
_DROPS: Final = {
    DropReason.HEADLESS: "the browser of this check has no person before it and says so, and such "
    "a visit is not to count: a person's does",
    DropReason.EXCLUDED_ADDRESS: "the site leaves this machine's address out: other visits count",
    DropReason.OPTED_OUT: "the page itself has set the choice to send nothing",
    DropReason.BOT: "the browser was taken for a robot",
    DropReason.DATA_CENTER: "this machine's address is a hosting provider's: look from another one",
    DropReason.REFERRER_SPAM: "the referrer is on the list of spam",
}


class Check(StrEnum):
    """What is looked at, in this order."""

    PAGE = "page"
    TAG = "tag"
    SCRIPT = "script"
    ORIGIN = "origin"
    POLICY = "policy"
    EVENTS = "events"
    ANSWER = "answer"
    STORED = "stored"


_OF_A_BROWSER: Final = (Check.POLICY, Check.EVENTS, Check.ANSWER)


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of a check; `is_good` is None if it could not be looked at."""

    check: Check
    is_good: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What should be found: the site, where its tag comes from ('': anywhere), what to paste."""

    site: Site
    collector_url: str
    snippet: str


def judge(seen: Observation, expected: Expected) -> list[Finding]:
    """Judge everything but the store, one finding for each check."""
    return list(_judge(seen, expected))


def is_verified(findings: list[Finding]) -> bool:
    """Say whether the tag is there and its events are taken, or dropped as they ought to be."""
    good = {finding.check for finding in findings if finding.is_good}
    return {Check.TAG, Check.ANSWER} <= good


def _judge(seen: Observation, expected: Expected) -> Iterator[Finding]:
    element = seen.find_element(expected.site.id)
    yield _judge_page(seen)
    if seen.page.status is None:
        for check in (Check.TAG, Check.SCRIPT, Check.ORIGIN, *_OF_A_BROWSER):
            yield Finding(check, None, "not looked at, since there is no page")
        return
    yield _judge_tag(seen, element, expected)
    if element is None:
        yield Finding(Check.SCRIPT, None, "no script to load")
        yield _judge_origin(seen, expected.site)
        for check in _OF_A_BROWSER:
            yield Finding(check, None, "not looked at, since there is no tag")
        return
    yield _judge_script(seen, element)
    yield _judge_origin(seen, expected.site)
    if seen.unseen:
        for check in _OF_A_BROWSER:
            yield Finding(check, None, f"not looked at: {seen.unseen}")
        return
    yield _judge_policy(seen, element)
    yield _judge_events(seen, element)
    yield _judge_answer(seen.sent, element)


def _judge_page(seen: Observation) -> Finding:
    if seen.page.is_good:
        return Finding(Check.PAGE, is_good=True, text=f"the page answers: {seen.page_url}")
    return Finding(Check.PAGE, is_good=False, text=f"the page {_describe(seen.page)}")


def _judge_tag(seen: Observation, element: ScriptElement | None, expected: Expected) -> Finding:
    site_id = expected.site.id
    if element is None:
        others = ", ".join(dict.fromkeys(f'"{each.site}"' for each in seen.elements))
        found = f"only one with data-site={others}" if others else "none on the page"
        text = f'no script with data-site="{site_id}", {found}; it should be: {expected.snippet}'
        return Finding(Check.TAG, is_good=False, text=text)
    if expected.collector_url and not _is_from(element.src, expected.collector_url):
        text = f"the tag comes from {element.src}, not from {expected.collector_url}"
        return Finding(Check.TAG, is_good=False, text=text)
    text = f'the tag is on the page, with data-site="{site_id}"'
    return Finding(Check.TAG, is_good=True, text=text)


def _judge_script(seen: Observation, element: ScriptElement) -> Finding:
    if not element.src:
        return Finding(Check.SCRIPT, is_good=False, text="the script element has no src")
    if seen.script is None:
        return Finding(Check.SCRIPT, is_good=False, text=f"{element.src} was not asked for")
    if not seen.script.is_good:
        text = f"{element.src} {_describe(seen.script)}"
        return Finding(Check.SCRIPT, is_good=False, text=text)
    if element.type == "module":
        text = 'the script is loaded as a module and can not start: take type="module" away'
        return Finding(Check.SCRIPT, is_good=False, text=text)
    return Finding(Check.SCRIPT, is_good=True, text=f"the script is loaded from {element.src}")


def _judge_origin(seen: Observation, site: Site) -> Finding:
    origin = to_origin(seen.page_url)
    if site.has_origin(origin):
        text = f"{origin} is one of the site's origins"
        return Finding(Check.ORIGIN, is_good=True, text=text)
    text = f'{origin} is none of the site\'s origins: add "{origin}", restart the collector'
    return Finding(Check.ORIGIN, is_good=False, text=text)


def _judge_policy(seen: Observation, element: ScriptElement) -> Finding:
    outcomes = [seen.script, seen.sent.outcome if seen.sent else None]
    refusals = [_REFUSALS[each.failure] for each in outcomes if each and each.failure in _BLOCKS]
    if seen.violations:
        named = _DIRECTIVE.search(seen.violations[0])
        rule = f'"{named[1]}"' if named else seen.violations[0]
        needed = to_origin(element.src)
        text = f"the page's Content-Security-Policy refuses the tag: {rule}; let {needed} into"
        return Finding(Check.POLICY, is_good=False, text=f"{text} script-src and connect-src")
    if refusals:
        return Finding(Check.POLICY, is_good=False, text=f"the tag is blocked: {refusals[0]}")
    if seen.sent is None:
        text = "nothing was refused, but nothing was sent either"
        return Finding(Check.POLICY, None, text)
    text = "no Content-Security-Policy and no blocker stands in the way"
    return Finding(Check.POLICY, is_good=True, text=text)


def _judge_events(seen: Observation, element: ScriptElement) -> Finding:
    if seen.sent is None:
        text = f"the tag has sent nothing to {element.endpoint_url}"
        return Finding(Check.EVENTS, is_good=False, text=text)
    text = f"the tag has sent events: {seen.sent.events}"
    return Finding(Check.EVENTS, is_good=True, text=text)


def _judge_answer(sent: Sent | None, element: ScriptElement) -> Finding:
    if sent is None:
        return Finding(Check.ANSWER, None, "no answer, since nothing was sent")
    outcome = sent.outcome
    if outcome.status is None or not outcome.is_good:
        reason = str(outcome.content.get("reason"))
        known = _ANSWERS.get(reason) or _ANSWERS.get(outcome.status)
        meaning = f": it {known}" if known else ""
        text = f"{element.endpoint_url} {_describe(outcome)}{meaning}"
        return Finding(Check.ANSWER, is_good=False, text=text)
    accepted, dropped = read_counts(outcome.content)
    parts = [f"accepted {accepted}"] if accepted else []
    parts += [f"dropped {count} as {reason}: {_explain(reason)}" for reason, count in dropped]
    if not parts:
        text = f"the answer {outcome.status} does not say what became of the events"
        return Finding(Check.ANSWER, is_good=False, text=text)
    is_right = bool(accepted) or all(reason in _EXCUSED for reason, _ in dropped)
    return Finding(Check.ANSWER, is_right, f"the collector has {'; '.join(parts)}")


def read_counts(content: Mapping[str, object]) -> tuple[int, list[tuple[str, int]]]:
    """Read the collector's answer: how many events it accepted, and how many not, by reason."""
    accepted, dropped = content.get("accepted"), content.get("dropped")
    pairs = dropped.items() if isinstance(dropped, dict) else ()
    return (
        accepted if isinstance(accepted, int) else 0,
        [(str(reason), count) for reason, count in pairs if isinstance(count, int) and count],
    )


def to_origin(url: str) -> str:
    """Return an address's origin as browsers send it, without a usual port; '' if it has none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # no address at all: it is no origin of anybody's
        return ""
    host = f"[{host}]" if ":" in host else host
    usual = port in {None, _DEFAULT_PORTS.get(parts.scheme)}
    return f"{parts.scheme}://{host}" if usual else f"{parts.scheme}://{host}:{port}"


def _is_from(url: str, base: str) -> bool:
    """Say whether an address is below another one, on the same origin."""
    origin = to_origin(url)
    if not origin or origin != to_origin(base):
        return False
    return urlsplit(url).path.startswith(f"{urlsplit(base).path}/")


def _explain(reason: str) -> str:
    return _DROPS[DropReason(reason)] if reason in _DROPS else "an unknown reason"


def _describe(outcome: Outcome) -> str:
    if outcome.status is not None:
        return f"answers {outcome.status}"
    known = _REFUSALS.get(outcome.failure)
    return f"gives no answer: {outcome.failure}" + (f" ({known})" if known else "")
