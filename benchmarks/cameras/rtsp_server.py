"""A real RTSP server on loopback with faults to order, for tests and the camera soak. A program of its own.

It needs GStreamer's RTSP server and PyGObject, which come from the system (Debian: python3-gi,
gir1.2-gst-rtsp-server-1.0, gstreamer1.0-plugins-good, -bad, -ugly), not from this project's environment: run it with
an interpreter that has them, ``python3 rtsp_server.py FRAMES_DIR --port 8554``. FRAMES_DIR holds 00000.jpg, 00001.jpg
and so on, which are encoded as H.264 and repeated. It prints ``ready`` and then takes one order per line:
``size 320x240``, ``corrupt 0.001`` (share of bytes), ``loss 0.05`` (share of encoded frames).
"""

import argparse
import random
import sys
from pathlib import Path
from typing import Any

_PIPELINE = (
    '( multifilesrc location="{frames}/%05d.jpg" index=0 loop=true caps="image/jpeg,framerate={fps}/1" '
    "! jpegdec ! videoconvert ! videoscale ! capsfilter name=size caps=video/x-raw,format=I420,width={width},"
    "height={height} ! identity sync=true ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=800 "
    "key-int-max={fps} ! video/x-h264,profile=baseline,stream-format=byte-stream "
    "! breakmydata name=corrupt skip=80 probability=0 ! identity name=loss drop-probability=0 "
    "! rtph264pay name=pay0 pt=96 config-interval=1 )"
)
# Other streams that a camera may send; no orders are taken for them.
_OTHERS = {
    "interlaced": (
        "( videotestsrc is-live=true pattern=white ! video/x-raw,width={width},height={height},format=I420,"
        "framerate={fps}/1 ! interlace field-pattern=1:1 ! x264enc tune=zerolatency interlaced=true key-int-max={fps} "
        "! rtph264pay name=pay0 pt=96 config-interval=1 )"
    ),
    "sound": "( audiotestsrc is-live=true ! audioconvert ! mulawenc ! rtppcmupay name=pay0 pt=0 )",
}


def main() -> int:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frames")
    parser.add_argument("--port", required=True)
    parser.add_argument("--size", default="640x480")
    parser.add_argument("--fps", default="10")
    parser.add_argument("--login", help="USER:PASSWORD, asked for as HTTP basic")
    parser.add_argument("--stream", choices=_OTHERS, help="instead of the pictures of FRAMES_DIR")
    args = parser.parse_args()

    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer

    Gst.init(None)
    width, height = args.size.split("x")
    factory = GstRtspServer.RTSPMediaFactory()
    pipeline = _OTHERS.get(args.stream, _PIPELINE)
    factory.set_launch(pipeline.format(frames=Path(args.frames).resolve(), fps=args.fps, width=width, height=height))
    factory.set_shared(True)
    medias: list[Any] = []
    factory.connect("media-configure", lambda _, media: medias.append(media))

    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(args.port)
    server.get_mount_points().add_factory("/live", factory)
    if args.login:
        _ask_for_login(GstRtspServer, server, factory, args.login)
    if server.attach(None) == 0:
        print(f"port {args.port} cannot be opened", file=sys.stderr)
        return 4

    def order(_stream: Any, _condition: Any) -> bool:
        line = sys.stdin.readline()
        if line.strip() and medias:
            _obey(Gst, medias[-1].get_element(), *line.split())
        return bool(line)

    GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, order)
    print("ready", flush=True)
    GLib.MainLoop().run()
    return 0


def _obey(gst: Any, pipeline: Any, what: str, value: str) -> None:
    if what == "size":
        width, height = value.split("x")
        caps = gst.Caps.from_string(f"video/x-raw,format=I420,width={width},height={height}")
        pipeline.get_child_by_name("size").set_property("caps", caps)
    elif what == "corrupt":
        element = pipeline.get_child_by_name("corrupt")
        element.set_property("seed", random.getrandbits(31))
        element.set_property("probability", float(value))
    elif what == "loss":
        pipeline.get_child_by_name("loss").set_property("drop-probability", float(value))
    else:
        print(f"unknown order {what!r}", file=sys.stderr, flush=True)


def _ask_for_login(rtsp: Any, server: Any, factory: Any, login: str) -> None:
    user, _, password = login.partition(":")
    auth = rtsp.RTSPAuth()
    token = rtsp.RTSPToken()
    token.set_string(rtsp.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "user")
    auth.add_basic(rtsp.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    permissions = rtsp.RTSPPermissions()
    permissions.add_permission_for_role("user", rtsp.RTSP_PERM_MEDIA_FACTORY_ACCESS, True)
    permissions.add_permission_for_role("user", rtsp.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, True)
    factory.set_permissions(permissions)


if __name__ == "__main__":
    sys.exit(main())
