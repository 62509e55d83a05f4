"""What was seen of a page, its tag and the tag's events; nothing here is judged yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin

from schemas.errors import HmaraError


class NotSeenError(HmaraError):
    """No browser could look; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended: an answer's status, or the network's word for why there is none.

    `content` is the decoded body of a JSON answer, where the page was allowed to read it.
    """

    status: int | None = None
    failure: str = ""
    content: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether there was an answer, and no complaint."""
        return self.status is not None and self.status < 400  # noqa: PLR2004 - where complaints begin


@dataclass(frozen=True, slots=True)
class ScriptElement:
    """A `<script data-site=…>` of the page; `src` is absolute."""

    site: str
    src: str
    endpoint: str = ""
    type: str = ""

    @property
    def endpoint_url(self) -> str:
        """Where the tag of this element sends its events."""
        return urljoin(self.src, self.endpoint or "/v1/events")


@dataclass(frozen=True, slots=True)
class Sent:
    """The first request of the tag that came to an end."""

    events: int
    page_url: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen. `unseen` says why no browser looked; then only the HTML is known.

    `page_url` is where the page really was, behind redirects. `violations` are the console's
    sentences about a Content-Security-Policy.
    """

    page_url: str
    page: Outcome
    elements: tuple[ScriptElement, ...] = ()
    script: Outcome | None = None
    violations: tuple[str, ...] = ()
    sent: Sent | None = None
    unseen: str = ""

    def find_element(self, site_id: str) -> ScriptElement | None:
        """Return the tag's element of a site."""
        return next((element for element in self.elements if element.site == site_id), None)
