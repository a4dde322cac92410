"""The dashboard's addresses: the page and its files, the event stream, pictures, and the sign-in."""

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...ground.extra_packages import watch_package
from .feed import Feed, json_text
from .guard import COOKIE, Access, App, Guard
from .memory.camera_memory import CameraMemory, Memories

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

STATIC = Path(__file__).parent / "static"
MOST_WATCHERS = 16
_LONGEST_FORM = 4096
_WRONG_TOKEN_PAUSE_S = 0.5
_NUMBER = re.compile(r"[0-9]{1,18}")
_SESSION_S = 30 * 24 * 3600


def build_app(memories: Memories, feed: Feed, access: Access) -> App:
    """The ASGI application.

    Raises:
        MachineError: starlette is not installed.
    """
    watch_package("starlette", "the dashboard")
    from starlette.applications import Starlette
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    pages = Pages(memories, feed, access)
    routes = [
        Route("/", pages.index),
        Route("/sign-in", pages.sign_in_form, methods=["GET"]),
        Route("/sign-in", pages.sign_in, methods=["POST"]),
        Route("/api/stream", pages.stream),
        Route("/api/status", pages.status),
        Route("/api/view", pages.view),
        Route("/api/frame.jpg", pages.frame),
        Route("/api/reject.jpg", pages.reject),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    return Guard(Starlette(routes=routes), access)


class Pages:
    """One method per address; pictures are encoded in worker threads."""

    def __init__(self, memories: Memories, feed: Feed, access: Access) -> None:
        self._memories = memories
        self._feed = feed
        self._access = access

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
                return _text(413, "a token is shorter than that")
        if not self._access.knows(body.decode(errors="replace").strip()):
            await asyncio.sleep(_WRONG_TOKEN_PAUSE_S)
            return _text(401, "this is not the token")
        answer = _text(200, "signed in")
        answer.set_cookie(COOKIE, self._access.session, max_age=_SESSION_S, httponly=True, samesite="strict")
        return answer

    async def stream(self, request: "Request") -> "Response":
        from starlette.responses import Response, StreamingResponse

        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        if self._feed.watchers >= MOST_WATCHERS:
            return _text(503, f"{MOST_WATCHERS} pages are open already: close one")
        return StreamingResponse(self._feed.stream(), media_type="text/event-stream")

    async def status(self, request: "Request") -> "Response":
        """The snapshot as JSON, for scripts."""
        from starlette.responses import Response

        return Response(json_text(self._feed.present()), media_type="application/json")

    async def view(self, request: "Request") -> "Response":
        """The newest frame and its depth map, as two JPEGs; ``X-Frame-Bytes`` says where the second begins.

        ``X-Depth-Size`` is that of the network's own map, which the second was drawn from along the frame's edges.
        """
        from starlette.responses import Response

        memory = self._memory(request)
        view = None if memory is None else await asyncio.to_thread(memory.latest.view)
        if view is None:
            return _text(404, "no frame of such a camera yet")
        headers = {"X-Frame-Index": str(view.index), "X-Frame-Bytes": str(len(view.frame))}
        if view.depth_size is not None:
            headers["X-Depth-Size"] = "{}x{}".format(*view.depth_size)
        return Response(view.frame + view.depth, media_type="application/octet-stream", headers=headers)

    async def frame(self, request: "Request") -> "Response":
        """The newest frame, for scripts; none of a camera that is lost."""
        memory = self._memory(request)
        if memory is not None and memory.lost:
            return _text(503, "this camera gives no frames now: /api/status says why")
        view = None if memory is None else await asyncio.to_thread(memory.latest.view)
        return _text(404, "no frame of such a camera yet") if view is None else _jpeg(view.frame)

    async def reject(self, request: "Request") -> "Response":
        memory = self._memory(request)
        number = request.query_params.get("number", "")
        found = memory.reject(int(number)) if memory is not None and _NUMBER.fullmatch(number) else None
        if found is None:
            return _text(404, "this picture is no longer kept")
        return _jpeg(await asyncio.to_thread(found.encoded))

    def _memory(self, request: "Request") -> CameraMemory | None:
        return self._memories.find(request.query_params.get("camera", ""))


def _file(name: str) -> "Response":
    from starlette.responses import FileResponse

    return FileResponse(STATIC / name)


def _text(status: int, text: str) -> "Response":
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(f"{text}\n", status_code=status)


def _jpeg(content: bytes) -> Any:
    from starlette.responses import Response

    return Response(content, media_type="image/jpeg")
