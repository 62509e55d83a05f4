"""The TLS of the collector's own listener: 1.2 and 1.3, forward secrecy, nothing compressed."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

from schemas.errors import HmaraError

_TLS_1_2_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Those of TLS 1.3 are all sane, and OpenSSL chooses among them."""


class TlsError(HmaraError):
    """A certificate or a key that can not be used."""


def make_tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """Return the context for a certificate (with its chain) and its key, both PEM; None for none.

    Raises:
        TlsError: one without the other, a file that can not be read, or two that do not match.
    """
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        message = "reading certificate: certificate and key belong together; set both"
        raise TlsError(message)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_TLS_1_2_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=_refuse_password)
    except ssl.SSLError as error:
        message = f"reading certificate: {certificate} and {key}: {error.reason or 'no PEM'}"
        raise TlsError(message) from None
    except OSError as error:
        # The error does not say which of the two files it is about.
        message = f"reading certificate: {certificate} and {key}: {error.strerror}"
        raise TlsError(message) from None
    return context


def _refuse_password() -> str:
    """Give an encrypted key no password, where OpenSSL would ask the terminal for one."""
    return ""
