"""``dgiqa-edge watch``: cameras in, verdicts out, until it is told to stop."""

import argparse
import contextlib
import logging
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from ...errors import DgiqaEdgeError, GateError
from ...ground.error_text import one_line
from ...ground.terminal import coloured
from .. import abrupt_exit
from ..abrupt_exit import drop_unwritable
from ..engine_options import add_signature_option
from ..json_output import JsonOutput, add_json_option
from ..option_types import input_path, seconds
from ..progress import is_quiet
from ..which_bundle import bundle_folder, bundle_path
from . import init, reference
from .scorers import open_scorer, opened
from .stop import stop_signals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...bundle.bundle import Bundle
    from ...watch.assembly.baseline_keeper import BaselineKeeper
    from ...watch.assembly.config import CameraSettings, WatchSettings
    from ...watch.loop.watch import Baselines

log = logging.getLogger("dgiqa_edge.watch")

SUMMARY = "watch cameras: score and judge their frames, hand them to sinks, account for each"
EXTRA = "watch"
# As the first word, in place of a configuration.
ACTIONS = {"init": init, "reference": reference}
EXIT_BAD_CAMERA = EXIT_NOT_REACHED = 3
_COLOURS = {"reached": "green", "configured": "yellow", "error": "red"}

_EPILOG = """\
example:
  dgiqa-edge watch init watch.toml --camera rtsp://192.0.2.10/stream1
  dgiqa-edge watch reference gate.frozen
  dgiqa-edge watch watch.toml --check
  dgiqa-edge watch watch.toml --duration 60 --json summary.json

The configuration (TOML, YAML or JSON) names the bundle, cameras, gate policy and sinks; examples for USB, CSI and RTSP
cameras and for files lie in the package under runtime/examples/. 'watch init' writes a first one, 'watch reference'
says what each setting means; both have a --help of their own. SIGTERM, SIGHUP (a terminal that is closed; under
nohup it goes on) and Ctrl-C end it gracefully, with a summary: captured = scored + skipped + failed. Exit code 0 where
it was stopped or all files were read, 3 where a camera has failed for good or a file has lost frames.

--check tries everything at once, within about 20 s: it loads the engine, asks each camera for a frame, logs in at
brokers, connects to webhooks, and looks whether files, folders and ports can be had. A line tells what was "reached",
what is "configured" but did not answer now, and what is an "error". Exit code 0 where all was reached; 3 where
something did not answer now, which watch would wait for; 2 or 4 (3 for a file) where it will not work here.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EPILOG
    parser.add_argument("config", type=input_path, metavar="CONFIG", help="configuration file (.toml, .yaml, .json)")
    parser.add_argument(
        "--check", action="store_true", help="check configuration, bundle, cameras and sinks; watch nothing"
    )
    parser.add_argument(
        "--bundle",
        type=bundle_path,
        metavar="DIR",
        help="this bundle, or folder of slots that bundle pull fills, instead of the configuration's",
    )
    parser.add_argument(
        "--fallback", type=bundle_folder, metavar="DIR", help="scores while the server of the bundle is away"
    )
    add_signature_option(parser, "update.require_signature")
    parser.add_argument("--dashboard", metavar="HOST:PORT", help="serve the dashboard there")
    parser.add_argument("--duration", type=seconds, metavar="S", help="stop after so many seconds, or 5m, 1h")
    add_json_option(parser, "the last status, or what --check found")


def run(args: argparse.Namespace) -> int:
    """Watch, or check; 0, or 3 where a camera has failed for good or a file has lost frames."""
    from ...watch.assembly.config import load_watch_settings

    logging.basicConfig(
        level=logging.WARNING if is_quiet() else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    settings = load_watch_settings(args.config)
    if args.bundle is not None:
        settings = replace(settings, bundle=args.bundle)
    if args.fallback is not None:
        settings = replace(settings, engine=replace(settings.engine, fallback=args.fallback))
    if args.require_signature:
        keys = tuple(args.require_signature)
        settings = replace(settings, update=replace(settings.update, require_signature=keys))
    return _check(settings, args.dashboard, args.json) if args.check else _watch(settings, args)


def _check(settings: "WatchSettings", listen: str | None, output: JsonOutput | None) -> int:
    from ...settings.credentials import masked
    from ...watch.assembly.check import check

    code = away = 0
    found: list[dict[str, str]] = []
    for finding in check(settings, open_scorer, listen):
        word = "reached" if finding.reached else "configured"
        said = finding.note
        if finding.error is not None:
            code, word, said = code or finding.error.exit_code, "error", str(finding.error)
        elif not finding.reached:
            away += 1
            said += "; not reached, watch would keep trying"
        said = masked(one_line(said))
        print(f"{coloured(f'{word:10}', _COLOURS[word])}  {finding.subject}: {said}", flush=True)
        found.append({"subject": finding.subject, "state": word, "note": said})
    if code:
        result = "this configuration will not work here"
    elif away:
        code, result = EXIT_NOT_REACHED, f"configured, but {away} of {len(found)} not reached now"
    else:
        result = "ready"
    print(f"{settings.path}: {result}", flush=True)
    if output is not None:
        output.write({"configuration": str(settings.path), "result": result, "findings": found})
    if any(thread.name in ("check", "probe") for thread in threading.enumerate()):
        abrupt_exit.end(code)
    return code


def _watch(settings: "WatchSettings", args: argparse.Namespace) -> int:
    from ...watch.assembly.baseline_keeper import BaselineKeeper
    from ...watch.assembly.parts import attach, open_sinks, plan_dashboard, plan_sinks, watched_camera
    from ...watch.loop.watch import Watch
    from ...watch.status import CameraState
    from ...watch.summary import summary_table

    dashboard = plan_dashboard(settings, args.dashboard)
    plans = [*plan_sinks(settings), *([] if dashboard is None else [dashboard])]
    with stop_signals() as stop, opened(settings, stop, args.duration) as found:
        if found is None:
            return 0
        scorer, follower = found
        for note in scorer.bundle.manifest.notes:
            log.warning("note: %s", note)
        keeper = BaselineKeeper(settings.baselines, scorer.bundle, for_each=follower is not None)

        def size() -> tuple[int, int]:
            frame = (scorer if follower is None else follower.scorer).bundle.manifest.frame
            return frame.width, frame.height

        try:
            watch = Watch(
                [
                    watched_camera(camera, settings.folder, keeper.load(camera), keeper.load_references(camera), size)
                    for camera in settings.cameras
                ],
                scorer,
                learned=keeper.save,
                view_learned=keeper.save_reference,
                most_engine_failures=settings.engine.most_failures,
                follower=follower,
                baselines=lambda bundle: _baselines(keeper, bundle, settings.cameras),
            )
            attach(watch, open_sinks(plans), settings.regions)
        except DgiqaEdgeError:
            if follower is not None:
                follower.end_well()  # a camera or a sink keeps it from running: no fault of a bundle on trial
            raise
        status = watch.run(stop, args.duration)
        try:
            if args.json is not None:
                args.json.write(status.to_json())
        finally:  # each of the two is written even if the other cannot be
            with contextlib.suppress(OSError) if stop.hung_up else contextlib.nullcontext():
                print(summary_table(status), flush=True)
            if stop.hung_up:
                drop_unwritable()
        if watch.fatal is not None:
            if any(camera.in_flight for camera in status.cameras):
                abrupt_exit.request()  # a thread hangs in the engine
            raise watch.fatal
        # A file that ended with a problem has lost frames.
        bad = any(
            camera.state is CameraState.FAILED or (camera.state is CameraState.ENDED and camera.problem)
            for camera in status.cameras
        )
        code = EXIT_BAD_CAMERA if bad else 0
        # A thread that hangs inside a driver would crash the interpreter when it returns during its end: skip that end.
        if any(camera.hung_reads or camera.in_flight for camera in status.cameras):
            if follower is not None and not any(camera.in_flight for camera in status.cameras):
                follower.end_well()  # what hangs is a camera
            abrupt_exit.end(code)
    return code


def _baselines(
    keeper: "BaselineKeeper", bundle: "Bundle", cameras: "Sequence[CameraSettings]"
) -> "dict[str, Baselines]":
    """What cameras have learned with a bundle that takes over; one that cannot be used is learned anew."""
    keeper.follow(bundle)
    found: dict[str, Baselines] = {}
    for camera in cameras:
        try:
            found[camera.name] = keeper.load(camera)
        except GateError as error:
            log.error("%s: %s", camera.name, error)
    return found
