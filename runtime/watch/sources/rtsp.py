"""Network cameras over RTSP: ``rtsp://user:password@host:554/path``, decoded by GStreamer or FFmpeg.

The URI's query belongs to the camera; options stand in the settings: ``transport`` (``tcp`` or ``udp``), ``decoder``
(``auto``, ``ffmpeg``, ``gstreamer``), ``latency_ms`` (GStreamer's jitter buffer), ``threads`` (of FFmpeg's decoder).
"""

from typing import Any
from urllib.parse import quote, unquote

from ...errors import MachineError
from ...machine.opencv import opencv_has
from ...settings.section import Section
from ..media.pipeline_text import property_text
from .decoding.deinterlacing import VideoInput
from .decoding.gst_launch import has_element
from .decoding.pipelines import DEINTERLACE, TO_OPENCV, whole_pipeline
from .decoding.stream import VideoStream
from .opencv_capture import DecodedSource, OpenCvCapture
from .protocol import Source, Surroundings
from .uri import SourceUri

_HINT = "check address, user and password, and that the camera is on and its stream is enabled"
_DECODERS = ("auto", "ffmpeg", "gstreamer")
_TRIES = 3  # damaged packets in a row; one alone is no reason to connect anew


def create(uri: SourceUri, options: Section, surroundings: Surroundings) -> Source:
    """A network camera.

    Raises:
        ConfigurationError: an option of the wrong kind.
        MachineError: GStreamer was asked for and OpenCV was built without it, or it has no decoder for streams.
    """
    transport = options.choice("transport", "tcp", ("tcp", "udp"))
    decoder = options.choice("decoder", "auto", _DECODERS)
    latency_ms = options.integer("latency_ms", 200, low=0, high=60_000)
    threads = options.integer("threads", 1, low=1, high=64)
    options.finish()
    return RtspSource(uri, transport, _chosen(decoder), latency_ms, threads, surroundings)


class RtspSource(DecodedSource):
    """One RTSP stream."""

    def __init__(
        self, uri: SourceUri, transport: str, decoder: str, latency_ms: int, threads: int, surroundings: Surroundings
    ) -> None:
        self._shown = uri.shown
        self._transport = transport
        source = rtsp_source(uri.address, transport, latency_ms)
        if decoder == "gstreamer":
            body = f"{source} ! decodebin"
            target, properties = whole_pipeline(body, TO_OPENCV, has_element, between=DEINTERLACE), {}
        else:
            target = ffmpeg_address(uri.address, transport)
            properties = {
                "OPEN_TIMEOUT_MSEC": surroundings.open_timeout_s * 1e3,
                "READ_TIMEOUT_MSEC": surroundings.read_timeout_s * 1e3,
                # Each further thread would hold one frame back.
                "N_THREADS": threads,
            }
        capture = OpenCvCapture(target, decoder, uri.shown, surroundings, properties, tries=_TRIES)
        address = ffmpeg_address(uri.address, transport)
        video = VideoInput(uri.shown, surroundings.open_timeout_s, address, source)
        self._stream = VideoStream(capture, decoder, video)
        super().__init__(self._stream)

    def open(self) -> None:
        self._stream.open(_HINT)

    def describe(self) -> dict[str, Any]:
        return {"family": "rtsp", "source": self._shown, "decoder": self._stream.decoder, "transport": self._transport}


def ffmpeg_address(address: str, transport: str) -> str:
    """The address with the transport as FFmpeg's RTSP reader takes it: a bare word in the query, which it removes."""
    address, _, _ = address.partition("#")
    return f"{address}{'&' if '?' in address else '?'}{transport}"


def rtsp_source(address: str, transport: str, latency_ms: int) -> str:
    """GStreamer's source element for one stream; user and password as properties of their own, decoded."""
    scheme, _, rest = address.partition("://")
    authority, slash, path = rest.partition("/")
    login, _, host = authority.rpartition("@")
    user, _, password = login.partition(":")
    location = f"{scheme}://{host}{slash}{quote(path, safe='/%?=&;:@,+')}"
    properties = [f"location={property_text(location)}"]
    if login:
        properties += [f"user-id={property_text(unquote(user))}", f"user-pw={property_text(unquote(password))}"]
    return f"rtspsrc {' '.join(properties)} protocols={transport} latency={latency_ms}"


def _chosen(decoder: str) -> str:
    if decoder == "auto":
        return "gstreamer" if opencv_has("gstreamer") else "ffmpeg"
    if not opencv_has(decoder):
        raise MachineError(
            f"this OpenCV was built without {decoder}: install one with it (a Jetson's own has GStreamer, the "
            "wheels have FFmpeg), or leave the option 'decoder' out"
        )
    return decoder
