"""Why a connection failed, in words that say what to look at; shared by cameras, brokers and webhooks."""

import socket
import ssl
from http.client import BadStatusLine, HTTPException

from ...ground.error_text import one_line
from ...settings.credentials import masked

_LONGEST = 200


_NO_TLS = "no TLS is spoken on that port: give the port that has it, or turn TLS off"


def connection_problem(error: BaseException, tls: bool = False) -> str:
    """What went wrong, in one line without secrets; ``tls``: whether TLS was to be spoken.

    Example:
        >>> connection_problem(ConnectionRefusedError())
        'nothing listens on that port'
    """
    inner = getattr(error, "reason", None)
    if isinstance(inner, BaseException):
        error = inner
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted here ({masked(error.verify_message or 'unknown issuer')}): name its "
            "authority in ca_file, or for this process in SSL_CERT_FILE"
        )
    if isinstance(error, ssl.SSLError):
        return _tls_problem(error)
    if isinstance(error, TimeoutError):
        return f"timed out in the TLS handshake: perhaps {_NO_TLS}" if "handshake" in str(error) else "timed out"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens on that port"
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return f"it closed the connection: perhaps {_NO_TLS}" if tls else "it closed the connection"
    if isinstance(error, socket.gaierror):
        return "no such host: check the name, and for fe80:: addresses the interface behind the %"
    if isinstance(error, BadStatusLine):
        return "it does not answer in HTTP: check the port, and whether it wants https"
    text = masked(one_line(str(getattr(error, "strerror", None) or error)))[:_LONGEST]
    return text or ("the answer is no HTTP" if isinstance(error, HTTPException) else type(error).__name__)


def _tls_problem(error: ssl.SSLError) -> str:
    reason = (error.reason or "").upper()
    if "CERTIFICATE" in reason and "ALERT" in reason:
        return "it wants a certificate of ours, or refuses the one given"
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError) or any(
        word in reason for word in ("WRONG_VERSION", "RECORD_LAYER", "HTTP_REQUEST", "UNEXPECTED_EOF", "PACKET_LENGTH")
    ):
        return _NO_TLS
    return f"TLS failed ({reason.replace('_', ' ').lower() or 'no reason given'})"
