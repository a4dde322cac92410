"""Cameras that send JPEG after JPEG over HTTP: ``http://user:password@host/video.mjpg``.

The stream is taken apart here rather than by FFmpeg, so that each damaged picture is known and counted. Login is HTTP
basic or digest; user and password leave the address before anything is sent or shown.
"""

import http.client
import time
from typing import Any

from ...errors import ConfigurationError, SourceError
from ...frames.images import decode_image, quiet_decoder
from ...settings.credentials import masked
from ...settings.section import Section
from ..media.connection_words import connection_problem
from ..media.http_stream import HttpStream
from ..media.jpeg_stream import JpegReader
from ..media.multipart import MultipartError, MultipartReader, boundary_of
from ..media.network_address import parse_address
from .protocol import Damaged, End, Frame, ReadResult, Source, Surroundings
from .uri import SourceUri

_MULTIPART = "multipart/"
_NO_PICTURES = ("text/", "application/json", "application/xml", "application/xhtml")


def create(uri: SourceUri, options: Section, surroundings: Surroundings) -> Source:
    """An HTTP stream of JPEG pictures; its URI's query belongs to the camera.

    Raises:
        ConfigurationError: the address has no host, or a port that is none.
    """
    options.finish()
    return MjpegSource(uri, surroundings)


class MjpegSource:
    """One stream of pictures: ``multipart/x-mixed-replace``, or JPEG after JPEG without anything between."""

    live = True
    interval_s = None

    def __init__(self, uri: SourceUri, surroundings: Surroundings) -> None:
        self._shown = uri.shown
        self._timeout_s = surroundings.read_timeout_s
        try:
            address = parse_address(uri.address)
        except ValueError as error:
            raise ConfigurationError(f"the source {uri.shown!r} has {error}: correct it") from None
        self._stream = HttpStream(address, uri.shown, surroundings.open_timeout_s, surroundings.read_timeout_s)
        self._parts: MultipartReader | JpegReader | None = None

    def open(self) -> None:
        self.close()
        quiet_decoder()
        self._stream.open()
        kind = self._stream.content_type.strip().lower()
        if kind.startswith(_MULTIPART):
            self._parts = MultipartReader(self._stream, boundary_of(self._stream.content_type))
            return
        refusal = ""
        if kind.startswith("image/") and self._stream.content_length is not None:
            refusal = f"a single picture ({masked(kind)[:80]})"
        elif kind.startswith(_NO_PICTURES):
            refusal = masked(kind)[:80]
        if refusal:
            self.close()
            raise SourceError(
                f"{self._shown} answers with {refusal}, not with a stream of JPEG pictures "
                "(multipart/x-mixed-replace): look up the camera's MJPEG address"
            )
        self._parts = JpegReader(self._stream)

    def read(self) -> ReadResult:
        if self._parts is None:
            return End("the source is not open")
        self._stream.deadline = time.monotonic() + self._timeout_s
        try:
            body = self._parts.read()
        except MultipartError as error:
            return Damaged(str(error))
        except (OSError, http.client.HTTPException, ValueError, AttributeError, AssertionError) as error:
            # the last three: closed by another thread in the middle of a read
            return End(f"the stream broke off ({connection_problem(error)})")
        return End("the camera ended the stream") if body is None else _decoded(body)

    def close(self) -> None:
        self._parts = None
        self._stream.close()

    def interrupt(self) -> None:
        self._stream.interrupt()

    def describe(self) -> dict[str, Any]:
        return {"family": "mjpeg", "source": self._shown, "decoder": "opencv"}


def _decoded(body: bytes) -> ReadResult:
    if not body:
        return Damaged("an empty picture arrived")
    if not body.startswith(b"\xff\xd8"):
        return Damaged(f"{len(body)} bytes arrived that are no JPEG picture")
    try:
        return Frame(decode_image(body))
    except SourceError as error:
        return Damaged(f"a picture of {len(body)} bytes {error}")
