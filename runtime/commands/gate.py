"""``dgiqa-edge gate``: thresholds tuned on photos, a policy tried on recorded frames, and the published defaults."""

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..ground.colour import coloured
from ..ground.names import shown
from .engine_options import add_fit_option
from .json_output import add_json_option
from .option_types import input_path, number, output_file, threads
from .progress import Progress
from .which_bundle import add_bundle_option, bundle_and_rest, bundle_of

if TYPE_CHECKING:
    from ..gate.verdict import Verdict
    from ..tuning.photos import Measured

SUMMARY = (
    "the camera gate: tune thresholds on photos, try a policy on frames, take a reference view, print the defaults"
)
EXTRA = "cpu"
EXIT_BAD_FRAME = 3

_EPILOG = """\
example:
  dgiqa-edge gate defaults > policy.toml
  dgiqa-edge gate tune --good good/ --bad bad/ --bundle build/demo/bundle --out policy.toml --plot roc.png
  dgiqa-edge gate run --bundle build/demo/bundle --policy policy.toml video.mp4 --json
  dgiqa-edge gate reference video.mp4 --out reference.json
  dgiqa-edge gate reference --config watch.toml --camera front
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = _EPILOG
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    tune = _action(actions, "tune", "propose thresholds from a folder of frames to pass and one of frames to reject")
    tune.add_argument("--good", required=True, metavar="DIR", help="photos that should pass (folder or glob)")
    tune.add_argument(
        "--bad",
        required=True,
        metavar="DIR",
        help="photos that should be rejected; a sub-folder per fault gives a table of reasons by its name",
    )
    _engine_options(tune)
    tune.add_argument(
        "--policy", type=input_path, metavar="FILE", help="policy to start from (default: the published one)"
    )
    tune.add_argument("--out", type=output_file, metavar="FILE", help="write the tuned policy there, as TOML")
    tune.add_argument(
        "--plot",
        type=output_file,
        metavar="FILE",
        help="draw scores, thresholds, curves and mistakes (.png, .svg, .pdf)",
    )
    tune.add_argument(
        "--max-false-reject",
        type=number(0.0, 1.0),
        metavar="SHARE",
        help="share of good photos that a threshold may reject (default: score by Youden's J, cues 0.02)",
    )
    add_json_option(tune, "thresholds and reasons")
    run_ = _action(actions, "run", "judge every frame of a video or of a folder of images")
    run_.add_argument(
        "sources",
        nargs="+",
        metavar="FRAMES_OR_VIDEO",
        help="video file, image, folder, or quoted glob; the bundle may stand beside it",
    )
    _engine_options(run_)
    run_.add_argument(
        "--policy", type=input_path, metavar="FILE", help="TOML, YAML or JSON (default: the published one)"
    )
    run_.add_argument(
        "--fps",
        type=number(0.001, 1000.0),
        metavar="N",
        help="frames per second (default: the video's time stamps, else 25)",
    )
    run_.add_argument(
        "--reference", type=input_path, metavar="FILE", help="the view it is meant to have, by 'gate reference'"
    )
    add_json_option(run_, "one object per frame, each a line")
    reference = _action(actions, "reference", "take the view a camera is meant to have, to tell when it was moved")
    reference.add_argument("source", nargs="?", metavar="SOURCE", help="video file, images, or a camera's URI")
    reference.add_argument("--config", type=input_path, metavar="FILE", help="a watch file whose camera it is, instead")
    reference.add_argument("--camera", metavar="NAME", help="of the watch file")
    reference.add_argument(
        "--out", type=output_file, metavar="FILE", help="the reference view (default: in the watch file's 'baselines')"
    )
    reference.add_argument(
        "--seconds",
        type=number(0.0, above=True),
        metavar="S",
        help="of frames at most (default: all of a file, 10 of a camera)",
    )
    _action(actions, "defaults", "print the published policy as TOML, to edit")


def run(args: argparse.Namespace) -> int:
    """Run the action; 0, or 3 when some photo or frame could not be read."""
    return {"tune": _tune, "run": _run, "reference": _reference, "defaults": _defaults}[args.action](args)


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> argparse.ArgumentParser:
    return actions.add_parser(
        name,
        help=text,
        description=text,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _engine_options(parser: argparse.ArgumentParser) -> None:
    add_bundle_option(parser, positional=False)
    parser.add_argument("--threads", type=threads, metavar="N", help="threads of the engine (default: its own choice)")
    add_fit_option(parser)


def _defaults(args: argparse.Namespace) -> int:
    from ..gate.policy import GatePolicy
    from ..gate.policy_file import policy_toml

    print(policy_toml(GatePolicy(), ["The published policy of the camera gate."]), end="")
    return 0


def _reference(args: argparse.Namespace) -> int:
    from ..errors import ConfigurationError
    from ..frames.images import quiet_decoder
    from ..gate.reference.reference_file import save_reference
    from ..ground.atomic import check_output
    from ..watch.assembly.baseline_keeper import reference_file
    from ..watch.assembly.config import load_watch_settings
    from ..watch.assembly.parts import camera_source
    from ..watch.reference_taking import take_reference
    from ..watch.sources.registry import create_source

    if (args.source is None) == (args.config is None) or (args.config is None) != (args.camera is None):
        raise ConfigurationError("give a source, or --config FILE and --camera NAME")
    out = args.out
    if args.config is None:
        source = create_source(args.source)
    else:
        settings = load_watch_settings(args.config)
        camera = next((one for one in settings.cameras if one.name == args.camera), None)
        if camera is None:
            known = ", ".join(one.name for one in settings.cameras)
            raise ConfigurationError(f"--camera: {args.config} has no camera {shown(args.camera)!r}, known are {known}")
        if out is None and settings.baselines is not None:
            out = reference_file(settings.baselines, camera.name)
        source = camera_source(camera, settings.folder)
    if out is None:
        raise ConfigurationError("--out FILE is missing: where the reference view is to be written")
    check_output(out)
    quiet_decoder()
    with Progress("looking at the camera"):
        reference = take_reference(source, args.seconds)
    save_reference(out, reference)
    print(f"{shown(out)}: reference view of {reference.frames} frames of {reference.width}x{reference.height}")
    return 0


def _run(args: argparse.Namespace) -> int:
    from ..errors import ConfigurationError
    from ..frames.images import left_out, quiet_decoder
    from ..gate.gate import Gate
    from ..gate.policy import GatePolicy
    from ..gate.policy_file import load_policy
    from ..gate.reference.reference_file import load_reference
    from ..scoring.scorer import Scorer
    from ..watch.replay import Recording, replay

    gate = Gate(load_policy(args.policy) if args.policy else GatePolicy())
    reference = load_reference(args.reference) if args.reference else None
    bundle, sources = bundle_and_rest(args, args.sources)
    if len(sources) != 1:
        raise ConfigurationError(f"{len(sources)} sources of frames are named: give one video, folder, or quoted glob")
    quiet_decoder()
    frames = failed = 0
    printed = ""
    recording = Recording(sources[0], args.fps)
    print(f"{'frame':>7}  {'t_s':>9}  {'state':<7}  reason")
    with (
        args.json.lines() if args.json else contextlib.nullcontext() as write,
        Progress("opening the bundle") as progress,
        Scorer(bundle, threads=args.threads, fit=args.fit) as scorer,
    ):
        progress.begin("frames")
        for judged in replay(recording, scorer, gate, reference):
            frames += 1
            failed += judged.error is not None
            if judged.error is not None:
                progress.clear()
                print(f"frame {judged.index}: {shown(judged.error or '')}", file=sys.stderr)
            if write:
                write(judged.as_json())
            verdict = judged.verdict
            if verdict.changed or judged.index == 0 or (verdict.announced and verdict.reason != printed):
                printed = verdict.reason
                progress.clear()
                print(f"{judged.index:>7}  {judged.t_s:>9.3f}  {_state(verdict)}  {_why(verdict)}", flush=True)
            progress(frames, recording.total)
        if recording.problem and write:
            counts = {"frames": frames, "expected": recording.expected, "missing": recording.missing}
            write({"file": sources[0], **counts, "error": recording.problem})
    for remark in filter(None, (recording.note, recording.problem, left_out(sources))):
        print(shown(remark), file=sys.stderr)
    lost = f", {recording.missing} of {recording.expected} missing" if recording.missing else ""
    print(f"{frames} frames, {failed} not readable{lost}")
    return EXIT_BAD_FRAME if failed or recording.problem else 0


def _state(verdict: "Verdict") -> str:
    state = verdict.state.value
    return coloured(f"{state:<7}", {"pass": "green", "reject": "red"}.get(state, "yellow"))


def _why(verdict: "Verdict") -> str:
    if verdict.value is None or verdict.threshold is None:
        return verdict.reason
    return f"{verdict.reason} ({verdict.cue} {verdict.value:.4g}, threshold {verdict.threshold:.4g})"


def _tune(args: argparse.Namespace) -> int:
    from ..errors import ConfigurationError
    from ..frames.images import left_out
    from ..gate.policy import GatePolicy
    from ..gate.policy_file import load_policy, policy_toml
    from ..ground.atomic import write_result
    from ..tuning.photos import labelled_readings
    from ..tuning.reason_table import reason_table, table_text
    from ..tuning.report import proposal_records, proposal_table
    from ..tuning.roc_plot import check_plot_path, write_roc_plot
    from ..tuning.thresholds import propose, with_proposals

    if args.plot:
        check_plot_path(args.plot)
    if args.out and args.out.suffix.lower() != ".toml":
        raise ConfigurationError(f"--out {args.out}: the policy is written as TOML, give a name that ends in .toml")
    policy = load_policy(args.policy) if args.policy else GatePolicy()
    bundle = bundle_of(args)
    good, bad = _measured(args, bundle)
    proposals = propose(
        list(good.readings.values()),
        list(bad.readings.values()),
        policy,
        args.max_false_reject,
        list(bad.labels.values()),
    )
    tuned = with_proposals(policy, proposals)
    called = reason_table(labelled_readings([good, bad]), tuned)
    bound = args.max_false_reject
    rule = (
        "score cut where it tells them apart best (Youden's J)"
        if bound is None
        else f"at most {bound:.1%} of the good ones rejected per check"
    )
    facts = f"{len(good.readings)} good and {len(bad.readings)} bad photos, bundle {shown(bundle)}, {rule}"
    text = policy_toml(tuned, [f"Tuned by dgiqa-edge gate tune: {facts}."])
    if args.json:
        counts = {"good": len(good.readings), "bad": len(bad.readings)}
        args.json.write({**counts, "checks": proposal_records(proposals), "reasons": called})
    print(proposal_table(proposals, policy))
    print(f"{facts}\n\nWhat the tuned policy calls them, photo by photo:\n{table_text(called)}")
    for measured in (good, bad):
        for problem in measured.failed.values():
            print(f"not used: {shown(problem)}", file=sys.stderr)
    unread = left_out([args.good, args.bad])
    if unread:
        print(unread, file=sys.stderr)
    if args.out:
        write_result(args.out, text)
    else:
        print(f"\n{text}", end="")
    if args.plot:
        write_roc_plot(args.plot, proposals, tuned, (good, bad), facts)
    return EXIT_BAD_FRAME if good.failed or bad.failed else 0


def _measured(args: argparse.Namespace, bundle: Path) -> "tuple[Measured, Measured]":
    from ..errors import ConfigurationError
    from ..frames.images import quiet_decoder
    from ..scoring.scorer import Scorer
    from ..tuning.photos import labelled_photos, measure_photos
    from ..tuning.thresholds import FEWEST_PHOTOS

    good, bad = labelled_photos(args.good, "good"), labelled_photos(args.bad, "bad")
    both = {os.path.realpath(path) for path in good} & {os.path.realpath(path) for path in bad}
    if both:
        raise ConfigurationError(f"{shown(min(both))} is among the good and the bad photos: it can only be one of them")
    quiet_decoder()
    with Scorer(bundle, threads=args.threads, fit=args.fit) as scorer, Progress() as progress:
        step = progress.counter("photos", len(good) + len(bad))
        measured = measure_photos(good, scorer, step), measure_photos(bad, scorer, step)
    for name, side in zip(("good", "bad"), measured, strict=True):
        if len(side.readings) < FEWEST_PHOTOS:
            print(
                f"warning: only {len(side.readings)} {name} photos: below {FEWEST_PHOTOS} the thresholds are rough, "
                "give more photos of the camera's own scenes",
                file=sys.stderr,
            )
    return measured
