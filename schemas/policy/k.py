"""k: how many visitors a cell must count to be shown, by site and cube."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from schemas.errors import HmaraError
from schemas.faults import describe_faults
from schemas.policy.cubes import CUBES

POLICY_FILE: Final = Path(__file__).with_name("hmara.yaml")
LEAST_K: Final = 2
"""A cell of one visitor is that visitor's record, whatever a policy says."""

K = Annotated[int, Field(ge=LEAST_K)]


class PolicyError(HmaraError):
    """A policy file that is missing or says something that can not be."""


class _Rules(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    cubes: Annotated[dict[str, K], Field(default_factory=dict, description="k of one cube.")]

    @field_validator("cubes")
    @classmethod
    def _check_cubes(cls, cubes: dict[str, int]) -> dict[str, int]:
        unknown = sorted(set(cubes) - set(CUBES))
        if unknown:
            message = f"{', '.join(unknown)}: no such cube; there are {', '.join(CUBES)}"
            raise ValueError(message)
        return cubes


class SiteK(_Rules):
    """The rules of one site."""

    default: Annotated[K | None, Field(default=None, description="k of its other cubes.")]


class KRules(_Rules):
    """The section `k`."""

    default: Annotated[K, Field(default=10, description="k where nothing else is said.")]
    sites: Annotated[
        dict[str, SiteK], Field(default_factory=dict, description="Rules of one site, by id.")
    ]

    def find(self, site: str, cube: str) -> int:
        """Return k of a site's cube; the site's rules go before those of all sites."""
        own = self.sites.get(site)
        if own is not None:
            if cube in own.cubes:
                return own.cubes[cube]
            if own.default is not None:
                return own.default
        return self.cubes.get(cube, self.default)

    def to_thresholds(self, site: str) -> dict[str, int]:
        """Return k of every cube of a site."""
        return {cube: self.find(site, cube) for cube in CUBES}


class Policy(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    k: KRules


def load_policy(path: Path = POLICY_FILE) -> Policy:
    """Read a policy file.

    Raises:
        PolicyError: names the file and each field at fault.
    """
    try:
        return Policy.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except OSError as error:
        message = f"reading policy: {path}: {error.strerror}"
        raise PolicyError(message) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        message = f"reading policy: {path}: {' '.join(str(error).split())}"
        raise PolicyError(message) from None
    except ValidationError as error:
        message = f"reading policy: {path}: {describe_faults(error)}"
        raise PolicyError(message) from None
