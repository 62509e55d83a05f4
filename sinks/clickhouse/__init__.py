"""ClickHouse as a sink: connections, migrations, bulk inserts of columns."""
