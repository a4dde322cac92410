"""Keeps passwords out of everything people read: logs, errors, metrics, status, reports.

One function, used on every text that may hold a camera's or a server's address. It masks rather too much than too
little: in an address everything between ``://`` and the last ``@`` goes.
"""

import re

MASK = "***"

_SECRET_NAMES = r"[\w-]*(?:passw(?:or)?d|pwd|passphrase|secret|token|api[-_]?key|credential|auth|user-pw)[\w-]*"
_USER_NAMES = r"user-id|user(?:name)?|usr|login"
_RULES = (
    # scheme://user:password@host, the password with an unescaped @, : or / in it too
    (re.compile(r"://[^\s\"']*@"), f"://{MASK}@"),
    # GStreamer properties: user-pw="my secret", user-pw=secret
    (re.compile(rf"(?i)\b({_SECRET_NAMES}|{_USER_NAMES})(\s*=\s*)(\"(?:[^\"\\]|\\.)*\"|'[^']*')"), rf"\1\2{MASK}"),
    # Query and path parameters: ?password=secret, &token=..., /user=admin_password=secret_channel=1
    (re.compile(rf"(?i)(?:(?<=[?&;/_\s])|^)({_SECRET_NAMES}|{_USER_NAMES})=[^&;\s\"']*"), rf"\1={MASK}"),
)


def masked(text: str) -> str:
    """The text with the user names and passwords of addresses and parameters replaced by ``***``.

    Example:
        >>> masked("rtsp://admin:p@ss@192.0.2.7/live?channel=1&token=abc: no answer")
        'rtsp://***@192.0.2.7/live?channel=1&token=***'

    A parameter's value ends at ``&``, ``;``, a quote or white space; what directly follows it there is masked as well.
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
