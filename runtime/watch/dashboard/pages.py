"""The dashboard's addresses: the page and its files, the event stream, pictures, and the sign-in."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ConfigurationError, MachineError
from ...frames.images import decode_image
from ...ground.extra_packages import watch_package
from ...ground.strict_text import parse_json
from ..event import event_record
from .feed import Feed, json_text
from .guard import COOKIE, Access, App, Guard
from .labels import TRUTHS, Labels, Said
from .memory.camera_memory import CameraMemory, Memories

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    Handler = Callable[[Request], Awaitable[Response]]

STATIC = Path(__file__).parent / "static"
MOST_WATCHERS = 16
_LONGEST_FORM = 4096
_LONGEST_BODY = 1 << 19  # as many regions as there can be
_MOST_THUMBNAILS = 64
_CURSORS = ("points", "rejects", "log")
_WRONG_TOKEN_PAUSE_S = 0.5
_NUMBER = re.compile(r"[0-9]{1,18}")
_SESSION_S = 30 * 24 * 3600
LABELS_MISSING = 'no folder for labels is set: give one in the watch file, under [dashboard], as labels = "labels"'


def build_app(memories: Memories, feed: Feed, access: Access, labels: Labels | None, regions: "Handler") -> App:
    """The ASGI application.

    Args:
        regions: answers ``/api/regions``.

    Raises:
        MachineError: starlette is not installed.
    """
    watch_package("starlette", "the dashboard")
    from starlette.applications import Starlette
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    pages = Pages(memories, feed, access, labels)
    routes = [
        Route("/", pages.index),
        Route("/sign-in", pages.sign_in_form, methods=["GET"]),
        Route("/sign-in", pages.sign_in, methods=["POST"]),
        Route("/api/stream", pages.stream),
        Route("/api/status", pages.status),
        Route("/api/camera", pages.camera),
        Route("/api/thumbnails", pages.thumbnails),
        Route("/api/view", pages.view),
        Route("/api/reject.jpg", pages.reject),
        Route("/api/labels", pages.label, methods=["POST"]),
        Route("/api/labels/undo", pages.undo, methods=["POST"]),
        Route("/api/regions", regions, methods=["GET", "PUT"]),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    told = {ConfigurationError: _told(400), MachineError: _told(507)}
    return Guard(Starlette(routes=routes, exception_handlers=told), access)


class Pages:
    """One method per address; pictures are encoded in worker threads."""

    def __init__(self, memories: Memories, feed: Feed, access: Access, labels: Labels | None) -> None:
        self._memories = memories
        self._feed = feed
        self._access = access
        self._labels = labels

    async def index(self, request: "Request") -> "Response":
        return _file("index.html")

    async def sign_in_form(self, request: "Request") -> "Response":
        return _file("sign-in.html")

    async def sign_in(self, request: "Request") -> "Response":
        """The token as plain text in the body; answers with the session's cookie."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LONGEST_FORM:
                return text_answer(413, "a token is shorter than that")
        if not self._access.knows(body.decode(errors="replace").strip()):
            await asyncio.sleep(_WRONG_TOKEN_PAUSE_S)
            return text_answer(401, "this is not the token")
        answer = text_answer(200, "signed in")
        answer.set_cookie(COOKIE, self._access.session, max_age=_SESSION_S, httponly=True, samesite="strict")
        return answer

    async def stream(self, request: "Request") -> "Response":
        from starlette.responses import Response, StreamingResponse

        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        if self._feed.watchers >= MOST_WATCHERS:
            return text_answer(503, f"{MOST_WATCHERS} pages are open already: close one")
        return StreamingResponse(self._feed.stream(), media_type="text/event-stream")

    async def status(self, request: "Request") -> "Response":
        """The snapshot as JSON, for scripts."""
        return json_answer(self._feed.whole())

    async def camera(self, request: "Request") -> "Response":
        """What is remembered of one camera, from ``points`` (seconds since the epoch), ``rejects`` and ``log`` on."""
        asked = request.query_params
        since = [int(asked.get(key, "0")) if _NUMBER.fullmatch(asked.get(key, "0")) else 0 for key in _CURSORS]
        found = self._feed.camera(asked.get("camera", ""), *since)
        return text_answer(404, "no such camera") if found is None else json_answer(found)

    async def thumbnails(self, request: "Request") -> "Response":
        """Small pictures of many cameras in one answer: of each ``camera=NAME``, in pairs with ``index``, that has a
        newer frame than the one of that index.
        """

        def found() -> tuple[list[dict[str, Any]], list[bytes]]:
            asked = zip(request.query_params.getlist("camera"), request.query_params.getlist("index"), strict=False)
            heads, pictures = [], []
            for camera, index in list(asked)[:_MOST_THUMBNAILS]:
                memory = self._memories.find(camera)
                known = int(index) if _NUMBER.fullmatch(index) else None
                made = None if memory is None else memory.latest.thumbnail(known)
                if made is not None:
                    heads.append({"camera": camera, "index": made[0], "bytes": len(made[1])})
                    pictures.append(made[1])
            return heads, pictures

        heads, pictures = await asyncio.to_thread(found)
        return _parts(heads, *pictures)

    async def view(self, request: "Request") -> "Response":
        """The newest frame and, with ``depth=1``, its depth map, as two JPEGs behind a line of JSON about them.

        ``depth_size`` is that of the network's own map, which the second was drawn from along the frame's edges.
        Nothing (204) where it is the one whose index is ``known``. With ``hold=1`` the frame is kept at its full size
        for a while, to be labelled.
        """
        from starlette.responses import Response

        asked, memory = request.query_params, self._memory(request)
        wants_depth = asked.get("depth") == "1"
        view = None if memory is None else await asyncio.to_thread(memory.latest.view, wants_depth)
        if view is None:
            return text_answer(404, "no frame of such a camera yet")
        if asked.get("known") == str(view.event.index):
            return Response(status_code=204)
        if asked.get("hold") == "1" and self._labels is not None:
            self._labels.hold(view.event)
        head = {"record": event_record(view.event), "bytes": len(view.frame), "depth_size": view.depth_size}
        return _parts(head, view.frame, view.depth)

    async def reject(self, request: "Request") -> "Response":
        """The picture of a rejected frame, by its number."""
        from starlette.responses import Response

        memory = self._memory(request)
        number = request.query_params.get("number", "")
        found = memory.reject(int(number)) if memory is not None and _NUMBER.fullmatch(number) else None
        if found is None:
            return text_answer(404, "this picture is no longer kept")
        return Response(found.jpeg, media_type="image/jpeg")

    async def label(self, request: "Request") -> "Response":
        """Keep a frame as what a person says it was: ``camera``, ``truth`` (good, or a fault's slug), and ``index``
        of a frame that ``/api/view`` holds or ``number`` of one in the gallery.
        """
        asked = await json_body(request)
        if self._labels is None:
            return text_answer(409, LABELS_MISSING)
        if asked.get("truth") not in TRUTHS:
            return text_answer(400, f"say what it was, as truth: {', '.join(TRUTHS)}")
        said = await asyncio.to_thread(self._said, self._labels, asked)
        if said is None:
            return text_answer(404, "this frame is no longer kept: take one that is shown now")
        return json_answer(await asyncio.to_thread(self._labels.write, said, asked["truth"]))

    async def undo(self, request: "Request") -> "Response":
        """Take back the label whose ``file`` it is."""
        asked = await json_body(request)
        file = asked.get("file")
        if self._labels is None or not isinstance(file, str):
            return text_answer(400, "say which, as file")
        undone = await asyncio.to_thread(self._labels.undo, file)
        return json_answer({"file": file}) if undone else text_answer(404, "no such label was given a moment ago")

    def _said(self, labels: Labels, asked: dict[str, Any]) -> Said | None:
        camera, index, number = (asked.get(key) for key in ("camera", "index", "number"))
        memory = self._memories.find(camera) if isinstance(camera, str) else None
        if memory is None or camera is None:
            return None
        if isinstance(index, int) and (event := labels.held(camera, index)) is not None and event.frame is not None:
            return Said(event_record(event), event.frame)
        kept = memory.reject(number) if isinstance(number, int) else None
        return None if kept is None else Said(kept.record, decode_image(kept.jpeg), reduced=True)

    def _memory(self, request: "Request") -> CameraMemory | None:
        return self._memories.find(request.query_params.get("camera", ""))


async def json_body(request: "Request") -> dict[str, Any]:
    """The JSON object that a request says.

    Raises:
        ConfigurationError: it is none, or longer than any of ours.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_BODY:
            raise ConfigurationError(f"this is longer than {_LONGEST_BODY} bytes: send less")
    try:
        asked = parse_json(body.decode())
    except ValueError as error:
        raise ConfigurationError(f"this is no JSON ({error}): send a JSON object") from None
    if not isinstance(asked, dict):
        raise ConfigurationError("this is JSON, but no object: send a JSON object")
    return asked


def _file(name: str) -> "Response":
    from starlette.responses import FileResponse

    return FileResponse(STATIC / name)


def _told(status: int) -> "Callable[[Request, Exception], Response]":
    """An error of ours as an answer: in its own words."""
    return lambda _, error: text_answer(status, str(error))


def text_answer(status: int, text: str) -> "Response":
    """One line of text, or none."""
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(f"{text}\n" if text else "", status_code=status)


def json_answer(value: Any) -> "Response":
    """As ``json_text`` writes it."""
    from starlette.responses import Response

    return Response(json_text(value), media_type="application/json")


def _parts(head: Any, *parts: bytes) -> "Response":
    """A line of JSON and what it is about."""
    from starlette.responses import Response

    return Response(b"\n".join((json_text(head).encode(), b"".join(parts))), media_type="application/octet-stream")
