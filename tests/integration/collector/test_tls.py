"""The collector's own TLS: 1.2 and 1.3 and nothing older, and plain http leads nowhere else."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from streams.collector.tls import TlsError, make_tls
from streams.demo.children import Child, ChildSpec
from streams.embedded.ports import find_free
from tests.integration.collector.page_loads import draw_page_load, make_body, make_headers
from tests.integration.collector.raw_http import (
    TIMEOUT_S,
    Answer,
    connect,
    exchange,
    read_answer,
    write_request,
)
from tests.integration.collector.records import hold_ends
from tests.support.services import Stack
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

HOST = "127.0.0.1"
MAX_AGE_S = 86_400


@dataclass(frozen=True, slots=True)
class Pem:
    """A certificate for 127.0.0.1 that signs itself, and its key."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Secure:
    """A running collector with TLS on one port, and plain http on another."""

    stack: Stack
    pem: Pem
    port: int
    redirect_port: int


@pytest.fixture
def pem(tmp_path: Path) -> Pem:
    """Make a certificate with the openssl program."""
    if shutil.which("openssl") is None:
        pytest.fail("openssl is missing (Debian package openssl): no certificate can be made")
    made = Pem(tmp_path / "certificate.pem", tmp_path / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext"]
    command += [
        f"subjectAltName=IP:{HOST}",
        "-out",
        str(made.certificate),
        "-keyout",
        str(made.key),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return made


@pytest.fixture
def secure(stack: Stack, pem: Pem) -> Secure:
    """Start a collector with TLS and a second port, and wait until it answers."""
    port, redirect_port = find_free(), find_free()
    env = {
        **stack.env,
        "HMARA_COLLECTOR_TLS_CERTIFICATE_FILE": str(pem.certificate),
        "HMARA_COLLECTOR_TLS_KEY_FILE": str(pem.key),
        "HMARA_COLLECTOR_REDIRECT_PORT": str(redirect_port),
        "HMARA_COLLECTOR_HSTS_MAX_AGE_S": str(MAX_AGE_S),
    }
    arguments = ("streams.cli", "collector", "--port", str(port))
    log = stack.folder / "logs" / "collector-tls.log"
    child = Child(ChildSpec("collector", arguments, log, env))
    stack.children.append(child)

    def is_ready() -> bool:
        child.check()
        with suppress(httpx.HTTPError):
            ready = httpx.get(f"https://{HOST}:{port}/readyz", verify=trust(pem))
            return ready.status_code == httpx.codes.OK
        return False

    wait_until(is_ready, "the collector answers over TLS", 60)
    return Secure(stack, pem, port, redirect_port)


def trust(pem: Pem) -> ssl.SSLContext:
    """Return a client's context that believes the certificate."""
    return ssl.create_default_context(cafile=str(pem.certificate))


@contextmanager
def open_tls(port: int, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    """Open a connection."""
    with (
        socket.create_connection((HOST, port), timeout=TIMEOUT_S) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as connection,
    ):
        yield connection


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_events_are_taken_over_tls(secure: Secure, version: ssl.TLSVersion) -> None:
    """TLS 1.2 and 1.3, with forward secrecy: 202, and the browser is told to stay with https."""
    context = trust(secure.pem)
    context.minimum_version = context.maximum_version = version
    stack = secure.stack
    body = json.dumps(make_body(stack.site, draw_page_load())).encode()
    with open_tls(secure.port, context) as connection:
        name = (connection.cipher() or ("",))[0]
        assert version is ssl.TLSVersion.TLSv1_3 or name.startswith("ECDHE-")
        connection.sendall(write_request("POST", "/v1/events", make_headers(stack.origin), body))
        answer = read_answer(connection)
    assert answer is not None
    assert answer.status == 202
    assert answer.headers["strict-transport-security"] == f"max-age={MAX_AGE_S}"


def test_old_tls_is_refused(secure: Secure) -> None:
    """A client that knows TLS 1.1 at best gets no connection; allowed 1.2 as well, it does."""
    context = trust(secure.pem)
    context.set_ciphers("DEFAULT@SECLEVEL=0")  # else our own side would refuse
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert find_version(secure.port, context) is None
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert find_version(secure.port, context) == "TLSv1.2"


def test_weak_ciphers_are_refused(secure: Secure) -> None:
    """A client that has only ciphers without forward secrecy or authentication gets no TLS 1.2."""
    context = trust(secure.pem)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    weak = "AES128-SHA:AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA"
    context.set_ciphers(f"{weak}@SECLEVEL=0")
    assert find_version(secure.port, context) is None
    context.set_ciphers(f"{weak}:ECDHE-ECDSA-AES128-GCM-SHA256@SECLEVEL=0")
    assert find_version(secure.port, context) == "TLSv1.2"


def find_version(port: int, context: ssl.SSLContext) -> str | None:
    """Return the version that both sides agree on, or None if the server refuses."""
    try:
        with open_tls(port, context) as connection:
            return connection.version()
    except ConnectionError:
        return None
    except ssl.SSLError as error:
        if "NO_CIPHERS" in str(error) or "NO_PROTOCOLS" in str(error):
            raise  # our own side has refused
        return None


def test_plain_http_reads_nothing_and_sends_nothing(secure: Secure) -> None:
    """On the plain port a known address leads to https, and a post is refused and not stored."""
    url = f"http://{HOST}:{secure.redirect_port}"
    for method in ("GET", "HEAD"):
        moved = httpx.request(method, f"{url}/tag.js?v=1")
        assert moved.status_code == 308
        assert moved.headers["location"] == f"https://{HOST}:{secure.port}/tag.js?v=1"
        assert "strict-transport-security" not in moved.headers
        assert moved.headers["x-request-id"]
    followed = httpx.get(f"{url}/tag.js", follow_redirects=True, verify=trust(secure.pem))
    assert followed.status_code == 200
    body = json.dumps(make_body(secure.stack.site, draw_page_load())).encode()
    requests = [
        write_request("POST", "/v1/events", make_headers(secure.stack.origin), body),
        write_request("GET", "/elsewhere"),
        write_request("OPTIONS", "/v1/events"),
        write_request("GET", "/tag.js", {"Host": "a.example/b"}),
    ]
    with hold_ends(secure.stack):
        answers = [exchange(url, request) for request in requests]
    assert {answer.reason for answer in answers if answer} == {"https_required"}


def test_plain_http_to_the_secure_port_is_closed(secure: Secure) -> None:
    """What is no TLS gets no answer on the port that speaks it, and others go on."""
    assert send_plain(secure.port) is None
    ready = httpx.get(f"https://{HOST}:{secure.port}/readyz", verify=trust(secure.pem))
    assert ready.status_code == 200


def test_what_is_no_http_is_answered_in_kind(secure: Secure) -> None:
    """Below a request too, the answer has an id and the promise of https."""
    with open_tls(secure.port, trust(secure.pem)) as connection:
        connection.sendall(b"hello\r\n\r\n")
        answer = read_answer(connection)
    assert answer is not None
    assert (answer.status, answer.reason) == (400, "malformed_request")
    assert answer.headers["strict-transport-security"] == f"max-age={MAX_AGE_S}"


def test_a_certificate_that_can_not_be_used_is_named(pem: Pem, tmp_path: Path) -> None:
    """One file without the other, a missing or wrong one: the error names both, quoting none."""
    other = tmp_path / "other.pem"
    other.write_text("nothing of the kind", "utf-8")
    assert make_tls(None, None) is None
    assert make_tls(pem.certificate, pem.key) is not None
    for certificate, key in (
        (pem.certificate, None),
        (None, pem.key),
        (pem.certificate, tmp_path / "missing.pem"),
        (pem.certificate, other),
        (other, pem.key),
    ):
        with pytest.raises(TlsError, match="reading certificate") as caught:
            make_tls(certificate, key)
        assert "nothing of the kind" not in str(caught.value)


def send_plain(port: int) -> Answer | None:
    """Ask for the tag without TLS."""
    with connect(f"http://{HOST}:{port}") as connection:
        connection.sendall(write_request("GET", "/tag.js"))
        return read_answer(connection, "GET")
