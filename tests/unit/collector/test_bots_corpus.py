"""The bot rules on the corpus: how many robots they find, and how many people they take for one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from processors.reasons import DropReason
from streams.collector.bots import BotRules, DataCenters
from streams.collector.client import Client
from streams.collector.minimise import AgentClassifier, pack_address
from streams.collector.sites import Site

CORPUS = Path(__file__).parents[2] / "corpus" / "bots"
SITE = Site("demo", frozenset({"https://site.example"}), ZoneInfo("UTC"))
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/141.0.0.0 Safari/537.36"
)
HOME = bytes((127, 0, 0, 1))
GOAL = 0.99


@dataclass
class Score:
    """Counts of found, overlooked and falsely found cases."""

    found: int = 0
    overlooked: int = 0
    false: int = 0

    def add(self, *, expected: bool, found: bool) -> None:
        """Count one case."""
        self.found += expected and found
        self.overlooked += expected and not found
        self.false += found and not expected

    def check(self, name: str) -> None:
        """Print and hold precision and recall."""
        precision = self.found / (self.found + self.false)
        recall = self.found / (self.found + self.overlooked)
        print(f"{name}: precision {precision:.4f}, recall {recall:.4f}, {self}")  # noqa: T201
        assert precision >= GOAL
        assert recall >= GOAL


@pytest.fixture(scope="module")
def rules() -> BotRules:
    """Return the rules as the collector has them, on the corpus's excerpt of networks."""
    return BotRules(AgentClassifier().is_bot, DataCenters.load(CORPUS))


def read(name: str) -> Iterator[list[str]]:
    """Yield the columns of each case of a file."""
    for line in (CORPUS / name).read_text("utf-8").splitlines():
        yield line.split("\t")


def judge_agent(rules: BotRules, agent: str) -> DropReason | None:
    """Return the verdict on an agent that comes from this machine."""
    return rules.judge(Client(HOME, agent, ""), SITE)


def test_robots_are_told_from_people(rules: BotRules) -> None:
    """Of 300 robots and 500 browsers at least 99 in 100 are told right, both ways."""
    robots, people = list(read("robots.tsv")), list(read("people.tsv"))
    assert len(robots) >= 300
    assert len(people) >= 500
    score = Score()
    for _, agent in robots:
        score.add(expected=True, found=judge_agent(rules, agent) is DropReason.BOT)
    for _, agent in people:
        score.add(expected=False, found=judge_agent(rules, agent) is not None)
    score.check("robots")


@pytest.mark.parametrize("kind", ["cubot", "build", "in-app"])
def test_people_with_a_robots_word_are_kept(rules: BotRules, kind: str) -> None:
    """A telephone called Cubot, a build on the package's list and apps' browsers are people's."""
    agents = [agent for found, agent in read("people.tsv") if found == kind]
    assert agents
    assert not [agent for agent in agents if judge_agent(rules, agent) is not None]


@pytest.mark.parametrize("kind", ["preview", "unknown"])
def test_previews_and_unknown_robots_are_found(rules: BotRules, kind: str) -> None:
    """Who fetches a link for a preview is a robot, and so is one that no list can know."""
    agents = [agent for found, agent in read("robots.tsv") if found == kind]
    assert agents
    assert not [agent for agent in agents if judge_agent(rules, agent) is not DropReason.BOT]


def test_headless_browsers_are_told(rules: BotRules) -> None:
    """Every sign of a headless browser counts, and no word of a telephone's name does."""
    score, wrong = Score(), []
    for verdict, hint, webdriver, agent in read("headless.tsv"):
        client = Client(HOME, agent, "", is_headless=hint == "1")
        reason = rules.judge(client, SITE, webdriver=webdriver == "1")
        score.add(expected=verdict == "headless", found=reason is DropReason.HEADLESS)
        if verdict != (reason or "person"):
            wrong.append((verdict, reason, agent))
    score.check("headless")
    assert not wrong


def test_data_centers_are_told_from_peoples_networks(rules: BotRules) -> None:
    """Hosting providers' addresses are found; those of homes, relays and proxies are not."""
    score = Score()
    for kind, address, _ in read("addresses.tsv"):
        packed = pack_address(address)
        assert packed is not None, address
        reason = rules.judge(Client(packed, CHROME, ""), SITE)
        score.add(expected=kind == "data_center", found=reason is DropReason.DATA_CENTER)
    score.check("data centres")


def test_spam_is_told_from_honest_referrers(rules: BotRules) -> None:
    """Hosts that only want to be seen are found; search engines, news and platforms are not."""
    score = Score()
    for kind, host in read("referrers.tsv"):
        score.add(expected=kind == "spam", found=rules.is_spam(host))
    score.check("referrer spam")
