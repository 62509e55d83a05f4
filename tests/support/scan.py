"""A search for identifiers in everything that was stored, by readers that decode each format.

A search of the compressed files alone finds nothing even when the data is there, so Kafka's records
are read through a client and ClickHouse's rows in an uncompressed format; the files are searched
besides, for what was never compressed (logs, mutations, indexes).
"""

from __future__ import annotations

import base64
import ipaddress
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from sinks.clickhouse.client import Address, open_native

_SHORTEST_BYTES = 4


@dataclass(frozen=True)
class Hit:
    """Something that was found: what, and in which topic, table or file."""

    needle: str
    place: str


def encodings(text: str) -> frozenset[bytes]:
    """Return the byte forms in which an identifier may be stored."""
    forms = {text.encode(), text.lower().encode(), text.upper().encode(), text.encode("utf-16-le")}
    forms.add(urllib.parse.quote(text, safe="").encode())
    binary = [text.encode(), *_packed(text)]
    for form in binary:
        forms.update((form, form.hex().encode(), form.hex().upper().encode()))
        forms.update(_base64_cores(form))
    return frozenset(form for form in forms if len(form) >= _SHORTEST_BYTES)


def _packed(text: str) -> Iterator[bytes]:
    try:
        packed = ipaddress.ip_address(text).packed
    except ValueError:
        try:
            packed = bytes.fromhex(text)
        except ValueError:
            return
    yield packed
    yield packed[::-1]


def _base64_cores(form: bytes) -> Iterator[bytes]:
    """Yield what base64 makes of the form at each of the three alignments, without its edges."""
    for pad in range(3):
        encoded = base64.b64encode(b"\0" * pad + form)
        yield encoded[4 if pad else 0 : len(encoded) // 4 * 4 - 4]


def find(needles: dict[str, frozenset[bytes]], content: bytes, place: str) -> Iterator[Hit]:
    """Yield each needle that is in the content in any of its forms."""
    for needle, forms in needles.items():
        if any(form in content for form in forms):
            yield Hit(needle, place)


def scan_kafka(bootstrap_servers: str, needles: dict[str, frozenset[bytes]]) -> set[Hit]:
    """Search keys, values and headers of every record of every topic."""
    settings = {"bootstrap.servers": bootstrap_servers, "group.id": "scan", "log_level": 3}
    consumer = Consumer({**settings, "enable.auto.commit": False})
    hits: set[Hit] = set()
    try:
        for name, topic in consumer.list_topics(timeout=10).topics.items():
            for number in topic.partitions:
                for content in _read_partition(consumer, TopicPartition(name, number)):
                    hits.update(find(needles, content, f"topic {name}"))
    finally:
        consumer.close()
    return hits


def _read_partition(consumer: Consumer, partition: TopicPartition) -> Iterator[bytes]:
    start, end = consumer.get_watermark_offsets(partition, timeout=10)
    partition.offset = start
    consumer.assign([partition])
    while start < end:
        record = consumer.poll(10)
        assert record is not None, f"{partition.topic} could not be read to its end"
        assert record.error() is None, record.error()
        start = record.offset() + 1
        headers = b"".join(value or b"" for _, value in record.headers() or ())
        yield (record.key() or b"") + (record.value() or b"") + headers


def scan_clickhouse(address: Address, needles: dict[str, frozenset[bytes]]) -> set[Hit]:
    """Search every row of every table that the user may read, masks of deletes ignored."""
    hits: set[Hit] = set()
    with open_native(address) as client:
        tables = client.execute(
            "SELECT database, name FROM system.tables WHERE NOT is_temporary AND engine NOT LIKE"
            " 'System%' AND database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema')"
        )
    for database, table in tables:
        sql = f"SELECT * FROM {database}.`{table}` FORMAT RowBinary SETTINGS apply_deleted_mask=0"
        request = urllib.request.Request(
            f"http://{address.host}:{address.http_port}/?query={urllib.parse.quote(sql)}",
            headers={"X-ClickHouse-User": address.user, "X-ClickHouse-Key": address.password},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            hits.update(find(needles, answer.read(), f"table {database}.{table}"))
    return hits


def scan_files(folder: Path, needles: dict[str, frozenset[bytes]]) -> set[Hit]:
    """Search the bytes of every file below a folder."""
    hits: set[Hit] = set()
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            hits.update(find(needles, path.read_bytes(), f"file {path.relative_to(folder)}"))
    return hits
