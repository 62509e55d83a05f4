"""The rate of one client: a burst, a rate, and nothing that another client could do about it."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from streams.collector import rate_limit
from streams.collector.rate_limit import RateLimiter

ADDRESS, OTHER = bytes((203, 0, 113, 7)), bytes((198, 51, 100, 7))
BURST = 20
RATE_PER_S = 10.0
SEED = 7


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


@pytest.fixture
def clock() -> Seconds:
    """Return a clock that stands still."""
    return Seconds()


@pytest.fixture
def limiter(clock: Seconds) -> RateLimiter:
    """Return a limiter for a burst of 20 and ten requests per second."""
    return RateLimiter(RATE_PER_S, BURST, clock)


def test_a_burst_is_taken_and_no_more(limiter: RateLimiter) -> None:
    """A client may ask as often at once as the burst says, and then has to wait."""
    assert [limiter.take(ADDRESS) for _ in range(BURST)] == [0] * BURST
    assert limiter.take(ADDRESS) == 1


def test_the_rate_is_kept_afterwards(limiter: RateLimiter, clock: Seconds) -> None:
    """A client that asks without pause gets its rate, however often it was turned away."""
    taken = 0
    for _ in range(10 * 1_000):
        clock.now_s += 0.001
        taken += limiter.take(ADDRESS) == 0
    assert abs(taken - (BURST + 10 * RATE_PER_S)) <= 1


def test_the_wait_is_as_long_as_it_says(clock: Seconds) -> None:
    """After the seconds that a refusal names, a client that did not ask meanwhile is served."""
    limiter = RateLimiter(0.2, 1, clock)
    assert limiter.take(ADDRESS) == 0
    wait_s = limiter.take(ADDRESS)
    assert wait_s == 5
    clock.now_s += wait_s
    assert limiter.take(ADDRESS) == 0


def test_a_flood_takes_nothing_from_another(limiter: RateLimiter) -> None:
    """While one client is turned away a thousand times, another has its whole burst."""
    refused = sum(limiter.take(ADDRESS) > 0 for _ in range(1_000))
    assert refused == 1_000 - BURST
    assert [limiter.take(OTHER) for _ in range(BURST)] == [0] * BURST


def test_a_household_is_one_client(limiter: RateLimiter) -> None:
    """Every address of an IPv6 /64 has one bucket; the next /64 has another."""
    network = bytes.fromhex("20010db800000001")
    taken = [limiter.take(network + number.to_bytes(8, "big")) for number in range(BURST + 1)]
    assert taken == [0] * BURST + [1]
    assert limiter.take(bytes.fromhex("20010db800000002") + bytes(8)) == 0


def test_one_shared_bucket_hurts_nobody(clock: Seconds, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two clients with one bucket in common the quiet one is served while the other floods."""
    monkeypatch.setattr(rate_limit, "_MASK", 3)  # so few places that clients share them
    limiter = RateLimiter(RATE_PER_S, BURST, clock)
    places = {bytes((10, 0, 0, number)): place_of(limiter, number) for number in range(64)}
    sharing = [
        (one, other)
        for one, first in places.items()
        for other, second in places.items()
        if (first[0] == second[0]) != (first[1] == second[1])
    ]
    assert sharing
    for one, other in sharing[:50]:
        limiter = fresh(limiter, clock)
        while limiter.take(one) == 0:
            pass
        assert [limiter.take(other) for _ in range(BURST)] == [0] * BURST


def place_of(limiter: RateLimiter, number: int) -> tuple[int, int]:
    """Return the places of an address among four, as the limiter finds them."""
    limiter = fresh(limiter, Seconds())
    limiter.take(bytes((10, 0, 0, number)))
    first, second = vars(limiter)["_first"], vars(limiter)["_second"]
    found = [next(at for at in range(4) if buckets[at]) for buckets in (first, second)]
    return found[0], found[1]


def fresh(limiter: RateLimiter, clock: Seconds) -> RateLimiter:
    """Return a limiter with the same key and full buckets."""
    made = RateLimiter(RATE_PER_S, BURST, clock)
    vars(made)["_key"] = vars(limiter)["_key"]
    return made


def test_two_processes_choose_other_places(clock: Seconds) -> None:
    """The places follow from a key of each limiter's own, so nobody can plan a collision."""
    numbers = range(64)
    one, other = (RateLimiter(RATE_PER_S, BURST, clock) for _ in range(2))
    for number in numbers:
        one.take(bytes((10, 0, 0, number)))
        other.take(bytes((10, 0, 0, number)))
    assert vars(one)["_first"] != vars(other)["_first"]


def test_a_million_addresses_take_no_memory(limiter: RateLimiter, clock: Seconds) -> None:
    """After a million addresses a limiter holds as many bytes as before, and none of an address."""
    dice = random.Random(SEED)
    limiter.take(ADDRESS)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(1_000_000):
            clock.now_s += 1e-5
            limiter.take(dice.getrandbits(32).to_bytes(4, "big"))
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 4_096
    assert peak - before < 65_536


def test_a_crowd_turns_nobody_away(limiter: RateLimiter, clock: Seconds) -> None:
    """Twenty thousand clients with a request each, at once, share buckets and are all served."""
    del clock
    dice = random.Random(SEED)
    assert not sum(limiter.take(dice.randbytes(4)) for _ in range(20_000))
