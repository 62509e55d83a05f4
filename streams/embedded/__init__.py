"""Real Kafka and ClickHouse on one machine without containers: fetched, started, kept running."""
