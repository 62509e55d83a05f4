"""What an analyst learns who tries: nothing about the nine visitors of a page."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from itertools import product

import pytest
from clickhouse_driver.errors import ServerException

from sinks.clickhouse.cells.today import publish_today
from sinks.clickhouse.client import Address, ClickHouseError, open_native
from streams.cells.ask import list_views
from streams.embedded.services import Services
from tests.integration.cells.made_days import MadeDay
from tests.support.services import address_of

pytestmark = pytest.mark.integration

RARE = "/rare"
NINE = range(9)
OTHERS = range(100, 140)
NOT_ENOUGH_PRIVILEGES = 497
TABLES = ("published", "cell", "site_hour", "late", "today_cell", "today_hour", "published_cell")


@pytest.fixture(scope="module")
def analyst(services: Services) -> Address:
    """Return ClickHouse's address as the analyst."""
    return address_of(services, "analyst")


@pytest.fixture(scope="module")
def twins(services: Services) -> tuple[MadeDay, MadeDay]:
    """Return two closed days that differ in nine visitors of one page alone: one has none.

    The page's nine came to the home page as well, so neither has any other trace of them.
    """
    with_rare, without = (MadeDay(address_of(services, "hmara_admin")) for _ in range(2))
    for made in (with_rare, without):
        made.visit("/", (*NINE, *OTHERS))
        made.visit("/tea", OTHERS)
    with_rare.visit(RARE, NINE)
    for made in (with_rare, without):
        made.close()
    return with_rare, without


def ask(address: Address, sql: str) -> list[tuple[object, ...]]:
    """Ask over the native protocol."""
    with open_native(address) as client:
        rows: list[tuple[object, ...]] = client.execute(sql)
        return rows


def refusal(address: Address, sql: str) -> int:
    """Return the code with which a query is refused over the native protocol; 0 if it is not."""
    try:
        ask(address, sql)
    except ClickHouseError as error:
        cause = error.__cause__
        assert isinstance(cause, ServerException)
        return int(cause.code)
    return 0


def ask_http(address: Address, sql: str) -> tuple[int, str, str]:
    """Ask over HTTP; return the status, the answer and the summary header."""
    request = urllib.request.Request(
        f"http://{address.host}:{address.http_port}/?wait_end_of_query=1",
        data=sql.encode(),
        headers={"X-ClickHouse-User": address.user, "X-ClickHouse-Key": address.password},
    )
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            summary = answer.headers["X-ClickHouse-Summary"]
            return answer.status, answer.read().decode(), summary
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), ""


def test_a_page_of_nine_is_in_no_view(analyst: Address, twins: tuple[MadeDay, MadeDay]) -> None:
    """No view names a page that nine have seen: the next smallest page has joined it."""
    for view in list_views():
        rows = ask(analyst, f"SELECT * FROM anonymous.{view}")
        assert RARE not in str(rows), view
    pages = ask(
        analyst,
        "SELECT page, visitors, hidden FROM anonymous.page_views_daily"
        f" WHERE site = '{twins[0].site}' ORDER BY page",
    )
    assert pages == [("(other)", 49, 2), ("/", 49, 0)]


@pytest.mark.parametrize("view", list_views())
def test_a_predicate_finds_nothing_before_it_is_published(
    analyst: Address, twins: tuple[MadeDay, MadeDay], view: str
) -> None:
    """`throwIf` on every text column of every view throws for no page of nine, in TCP and HTTP."""
    columns = ask(analyst, f"DESCRIBE TABLE anonymous.{view}")
    texts = [str(row[0]) for row in columns if "String" in str(row[1])]
    assert texts
    for column in texts:
        sql = f"SELECT count() FROM anonymous.{view} WHERE throwIf({column} = '{RARE}') = 0"
        assert refusal(analyst, sql) == 0
        assert ask_http(analyst, sql)[0] == 200
    seen = f"SELECT count() FROM anonymous.{view} WHERE throwIf(site = '{twins[0].site}') = 0"
    if ask(analyst, f"SELECT count() FROM anonymous.{view} WHERE site = '{twins[0].site}'")[0][0]:
        assert refusal(analyst, seen) == 395  # the attack as such works, on what is published


def test_how_much_was_read_tells_nothing(analyst: Address, twins: tuple[MadeDay, MadeDay]) -> None:
    """The rows that a query reads are those of plane A, whose rows all keep k."""
    admin = twins[0].admin
    for view in ("page_views_daily", "page_scroll_daily", "click_paths_daily"):
        sql = f"SELECT * FROM anonymous.{view} WHERE site = '{twins[0].site}'"
        estimate = ask(analyst, f"EXPLAIN ESTIMATE {sql}")
        assert {row[0] for row in estimate} <= {"anonymous"}
        assert "staging" not in ask_http(analyst, f"EXPLAIN {sql}")[1]
        assert '"read_rows"' in ask_http(analyst, sql)[2]
    least = ask(admin, "SELECT min(visitors) FROM anonymous.cell WHERE site LIKE 'made-%'")
    assert int(str(least[0][0])) >= 10


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM staging.hit",
        "SELECT * FROM personal.event",
        "SELECT * FROM control.migration",
        *(f"SELECT * FROM anonymous.{table}" for table in TABLES),
        "SELECT * FROM system.parts",
        "SELECT * FROM system.parts_columns",
        "SELECT * FROM system.processes",
        "SELECT * FROM system.mutations",
        "SELECT * FROM system.users",
        "SELECT * FROM system.grants",
        "SELECT * FROM system.errors",
        "SELECT * FROM system.metrics",
        "SELECT * FROM system.events",
        "SELECT * FROM mergeTreeIndex('anonymous', 'cell')",
        "SELECT * FROM mergeTreeIndex('staging', 'hit')",
        "SELECT * FROM merge('staging', '.*')",
        "SELECT * FROM remote('127.0.0.1', 'staging', 'hit')",
        "SELECT * FROM cluster('default', 'staging', 'hit')",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "INSERT INTO anonymous.days (site) VALUES ('x')",
        "CREATE TABLE anonymous.mine (a UInt8) ENGINE = Memory",
        "CREATE VIEW anonymous.mine AS SELECT 1",
        "CREATE TEMPORARY TABLE mine (a UInt8)",
        "DROP VIEW anonymous.days",
        "ALTER TABLE anonymous.cell DELETE WHERE 1",
        "OPTIMIZE TABLE anonymous.cell",
        "SYSTEM FLUSH LOGS",
        "KILL QUERY WHERE 1",
        "SHOW CREATE TABLE anonymous.cell",
    ],
)
def test_the_analyst_may_nothing_else(analyst: Address, sql: str) -> None:
    """Other planes, tables of A, system tables, files, addresses and changes are refused."""
    assert refusal(analyst, sql) != 0
    assert ask_http(analyst, sql)[0] != 200


def test_merge_reads_what_the_analyst_may_read(analyst: Address) -> None:
    """`merge()` over the plane unites the views alone: it finds no page of nine."""
    sql = "SELECT count() FROM merge('anonymous', '.*') WHERE site = 'x'"
    assert refusal(analyst, sql) in {0, NOT_ENOUGH_PRIVILEGES}
    tables = ask(analyst, "SELECT DISTINCT _table FROM merge('anonymous', '.*')")
    assert {str(row[0]) for row in tables} <= {*list_views(), *TABLES}


def test_the_system_names_views_alone(analyst: Address) -> None:
    """What can not be denied, the lists of tables and columns, name the views and nothing else."""
    for table in ("tables", "columns"):
        column = "name" if table == "tables" else "table"
        rows = ask(analyst, f"SELECT DISTINCT database, {column} FROM system.{table} ORDER BY ALL")
        named = {(str(a), str(b)) for a, b in rows if a not in {"system", "INFORMATION_SCHEMA"}}
        named = {pair for pair in named if pair[0] != "information_schema"}
        assert named == {("anonymous", view) for view in list_views()}
    counts = ask(analyst, "SELECT total_rows FROM system.tables WHERE database = 'anonymous'")
    assert {row[0] for row in counts} == {None}


def test_polling_sees_no_single_visitor(analyst: Address, make_day: Callable[[], MadeDay]) -> None:
    """A today's cell appears with the tenth visitor and stands still until the twentieth."""
    made = make_day()
    sql = f"SELECT visitors, views FROM anonymous.today_pages WHERE site = '{made.site}'"
    seen = []
    for visitor in range(21):
        made.visit(RARE, [visitor])
        publish_today(made.admin, made.site_day, made.closing().thresholds)
        seen.append(ask(analyst, sql))
    assert seen == [[]] * 9 + [[(10, 10)]] * 10 + [[(20, 20)]] * 2
    hours = ask(analyst, f"SELECT views FROM anonymous.today_hourly WHERE site = '{made.site}'")
    assert hours == [(21,)]


ROLES = ("service", "analyst")
OBJECTS = (
    *(("anonymous", view) for view in list_views()),
    *(("anonymous", table) for table in TABLES),
    ("staging", "hit"),
    ("control", "migration"),
)


@pytest.mark.parametrize(("role", "thing"), list(product(ROLES, OBJECTS)))
def test_the_grant_matrix(services: Services, role: str, thing: tuple[str, str]) -> None:
    """The service reads and writes every table; the analyst reads the views and writes nothing."""
    address = address_of(services, role)
    database, table = thing
    is_view = database == "anonymous" and table in list_views()
    may_read = role == "service" or is_view
    read = refusal(address, f"SELECT * FROM {database}.{table} LIMIT 0")
    assert read == (0 if may_read else NOT_ENOUGH_PRIVILEGES)
    if role == "analyst":
        for sql in (
            f"INSERT INTO {database}.{table} SELECT * FROM {database}.{table} LIMIT 0",
            f"TRUNCATE TABLE {database}.{table}",
            f"DROP TABLE {database}.{table}",
            f"ALTER TABLE {database}.{table} COMMENT COLUMN site ''",
        ):
            assert refusal(address, sql) != 0
