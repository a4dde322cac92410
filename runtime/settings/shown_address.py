"""An address or a pipeline as people may see it: taken apart, and put together again from what is known to be harmless.

Scheme, host, port, path and the parameters of ``_HARMLESS`` stay; user and password, every other parameter and the
fragment go. What cannot be taken apart is shown without its middle: a secret may hold any character.
"""

import re
import shlex

MASK = "***"

# Lists of what may be seen, not of what may not: no list of the names that cameras give their secrets is complete.
_NAMES = (
    "audio buffer camera cam ch channel chn codec compression delay device duration dummy every flip fourcc fps frame "
    "framerate height index latency latency_ms loop maxfps mode pace profile quality rate resolution script seed size "
    "stream streamid streamprofile subtype threads timeout tl_channel transport type unicast video videocodec width "
    # of GStreamer's elements
    "bitrate blocksize do-timestamp drop drop-on-latency fd flip-method format gop-size interval io-mode is-live "
    "key-int-max leaky max-buffers max-size-buffers max-size-bytes max-size-time method name num-buffers pattern "
    "protocols sensor-id sensor-mode speed-preset sync tune"
)
_HARMLESS = frozenset(_NAMES.split())
_BARE = frozenset({"tcp", "udp"})
_ADDRESS_PROPERTIES = frozenset({"location", "uri"})
# Names that may stand before a mask, to say what was left out.
_SECRET_NAME = re.compile(
    r"(?i)(?:user(?:-id|name)?|usr|login|[\w-]{0,16}(?:pass|passwd|password|pwd|pw|secret|token|api[-_]?key))"
)
_HARMLESS_VALUE = re.compile(r"[\w.,:;+/ -]{0,200}")
# Those of which this machine itself is the other end.
_LOCAL = ("v4l2", "csi", "file", "test")
# In these the path is known to be no secret; a publishing address carries its key there.
_PATH_IS_SHOWN = ("rtsp", "rtsps", "http", "https", "mqtt", "mqtts", "triton", "tritons", "triton+http", "triton+https")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,15})://(.*)", re.DOTALL)
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+(?:%[\w.~-]+)?\]|[\w.-]+)(?::[0-9]{1,5})?(?=[/?#]|$)")
_PATH_PIECE = re.compile(r"([^/;,&_=]*)=([^/;,&_]*)")
_NO_PATH = re.compile(r"[^\w.~!$()*+,;:@%/=&-]")
_MEDIA_TYPE = re.compile(r"(?:video|audio|image|application)/[\w./,;:()=+-]+")
_ELEMENT = re.compile(r"[A-Za-z][\w-]*")


def shown_address(text: str) -> str:
    """A source, server or pipeline as it may be shown; a plain path stays as it is.

    Example:
        >>> shown_address("rtsp://admin:p@ss@192.0.2.7/live?channel=1&loginpas=abc#x")
        'rtsp://***@192.0.2.7/live?channel=1&***'
    """
    if text[:4].lower() == "gst:":
        return f"{text[:4]}{shown_pipeline(text[4:])}"
    match = _SCHEME.fullmatch(text)
    if match is None:
        return _without_scheme(text)
    scheme, rest = match[1], match[2]
    if scheme.lower() in _LOCAL and (rest[:1] in "/?" or "@" not in rest):
        return f"{scheme}://{_path_and_query(rest, None)}"
    return f"{scheme}://{_authority_and_rest(rest, scheme.lower() in _PATH_IS_SHOWN)}"


def shown_pipeline(text: str) -> str:
    """A GStreamer pipeline as it may be shown: elements, formats, and properties that hold no secret."""
    try:
        tokens = shlex.split(text)
    except ValueError:
        return MASK
    shown = [_token(token, before) for before, token in zip(["!", *tokens], tokens, strict=False)]
    return " ".join(item for item, before in zip(shown, ["", *shown], strict=False) if (item, before) != (MASK, MASK))


def hidden_parts(text: str) -> set[str]:
    """Everything that may be a secret in a source, server or pipeline, as it is written there; rather too much."""
    if text[:4].lower() == "gst:":
        return _hidden_in_pipeline(text[4:])
    match = _SCHEME.fullmatch(text)
    rest = text if match is None else match[2]
    found = set()
    is_local = match is not None and match[1].lower() in _LOCAL and rest[:1] in "/?"
    for login in {rest.rpartition("@")[0], re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[0]}:
        user, colon, password = login.partition(":")
        found |= set() if is_local else {login, password} if colon else {user}
    if match is not None and not is_local and "@" not in rest and not _HOST.match(rest):
        found |= {rest, rest.partition(":")[2]}
    for name, value in re.findall(r"([^/?;&,_=@:]*)=(?=([^&;]*))", rest):  # a value may hold the next: user=a_pw=b
        if name.lower() not in _HARMLESS:
            found |= {value, *(re.split(end, value, maxsplit=1)[0] for end in (r"[/_#]", r"_[A-Za-z]+="))}
    return found


def _without_scheme(text: str) -> str:
    """A path, or an address that lacks its scheme or has a damaged one."""
    before, at, after = text.rpartition("@")
    if at and ":" in before:
        return f"{MASK}@{_authority_and_rest(after, True)}" if not re.search(r"[?#=]", before) else MASK
    return _path_and_query(text, None)


def _authority_and_rest(rest: str, path_is_shown: bool) -> str:
    before, at, after = rest.rpartition("@")
    # An @ behind the authority: of a password with a / in it, or of a parameter. Only the first has a host behind it.
    if at and re.search(r"[/?#]", before) and re.search(r"[?#=]", before):
        return MASK
    host = _HOST.match(after)
    if host is None:
        return MASK
    login = f"{MASK}@" if at else ""
    beyond = after[host.end() :].partition("#")[0]
    if not path_is_shown:
        return f"{login}{host[0]}{f'/{MASK}' if beyond.strip('/') else beyond}"
    return f"{login}{host[0]}{_path_and_query(beyond, _NO_PATH)}"


def _path_and_query(text: str, forbidden: re.Pattern[str] | None) -> str:
    """``forbidden``: characters that an address's path cannot hold; what follows one is not shown."""
    path, mark, query = text.partition("?")
    strange = forbidden.search(path) if forbidden is not None else None
    secret = next((piece for piece in _PATH_PIECE.finditer(path) if not is_harmless(piece[1], piece[2])), None)
    cuts = [found.start(group) for found, group in ((strange, 0), (secret, 2)) if found is not None]
    if cuts:
        return path[: min(cuts)] + MASK
    return f"{path}{mark}{_query(query)}"


def _query(query: str) -> str:
    shown: list[str] = []
    for piece in re.split(r"[&;]", query):
        name, equals, value = piece.partition("=")
        if is_harmless(name, value) if equals else piece in _BARE or not piece:
            shown.append(piece)
        elif equals and _SECRET_NAME.fullmatch(name):
            shown.append(f"{name}={MASK}")
        elif shown[-1:] != [MASK]:
            shown.append(MASK)
    return "&".join(shown)


def is_harmless(name: str, value: str) -> bool:
    """Whether a parameter is one that may be seen."""
    return name.lower() in _HARMLESS and _HARMLESS_VALUE.fullmatch(value) is not None


def _token(token: str, before: str) -> str:
    """One word of a pipeline. A word alone is an element where one may stand; else it may be a part of a secret."""
    name, equals, value = token.partition("=")
    if token == "!" or _MEDIA_TYPE.fullmatch(token) or (before == "!" and _ELEMENT.fullmatch(token)):
        return token
    if equals and name.lower() in _ADDRESS_PROPERTIES:
        return f"{name}={shown_address(value)}"
    if equals and is_harmless(name, value):
        return token
    return f"{name}={MASK}" if equals and _SECRET_NAME.fullmatch(name) else MASK


def _hidden_in_pipeline(text: str) -> set[str]:
    try:
        tokens = shlex.split(text)
    except ValueError:
        tokens = [word for part in text.split() for word in (part, part.replace('"', "").replace("'", ""))]
    found = set()
    for before, token in zip(["!", *tokens], tokens, strict=False):
        name, equals, value = token.partition("=")
        if equals and name.lower() in _ADDRESS_PROPERTIES:
            found |= hidden_parts(value) | {value}
        elif MASK in _token(token, before):
            found.add(value if equals else token)
    return found
