"""``dgiqa-edge gate run``: a verdict on every recorded frame."""

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ...ground.names import shown
from ...ground.terminal import coloured
from ...version import VERSION
from ..json_output import add_json_option
from ..option_types import input_path, number, output_file
from ..progress import Progress
from ..which_bundle import bundle_and_rest
from .scoring import EXIT_BAD_FRAME, add_scorer_options

if TYPE_CHECKING:
    from ...gate.verdict import Verdict

SUMMARY = "judge every frame of a video or of a folder of images"
_INPUTS = {
    "--policy": "TOML, YAML or JSON (default: the published one)",
    "--regions": "JSON with include and exclude, polygons of what counts (default: the whole picture)",
    "--profiles": "profiles and switch of a camera, as in a watch file: TOML, YAML or JSON",
    "--reference": "the view it is meant to have, by 'gate reference'",
    "--baseline": "what is normal for the camera, by 'gate reference'",
    "--labels": "what is wrong when, lines of start_s,end_s,reason: prints precision, recall and delay of each reason",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the action's options."""
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="FRAMES_OR_VIDEO",
        help="video file, image, folder, or quoted glob; the bundle may stand beside it",
    )
    add_scorer_options(parser)
    for option, what in _INPUTS.items():
        parser.add_argument(option, type=input_path, metavar="CSV" if option == "--labels" else "FILE", help=what)
    parser.add_argument(
        "--begin",
        type=number(0.0, 86400.0),
        default=0.0,
        metavar="SECONDS",
        help="local time of the first frame, since midnight, for profiles by the clock (default: 0)",
    )
    parser.add_argument(
        "--fps",
        type=number(0.001, 1000.0),
        metavar="N",
        help="frames per second (default: the video's time stamps, else 25)",
    )
    parser.add_argument(
        "--html",
        type=output_file,
        metavar="FILE",
        help="write the film's course, its worst moments and the numbers that decided them as one self-contained page",
    )
    add_json_option(parser, "one object per frame, each a line; with --labels a last one")


def run(args: argparse.Namespace) -> int:
    """Judge and print; 0, or 3 when some frame could not be read."""
    from ...errors import ConfigurationError
    from ...frames.images import left_out, quiet_decoder
    from ...gate.baseline_file import load_baseline
    from ...gate.policy import GatePolicy
    from ...gate.policy_file import load_policy
    from ...gate.profiles.profiled_gate import ProfiledGate
    from ...gate.profiles.settings import load_profiles
    from ...gate.reference.reference_file import load_reference
    from ...gate.regions import regions_from
    from ...ground.atomic import write_result
    from ...scoring.scorer import Scorer
    from ...tuning import film_page
    from ...tuning.film import Film
    from ...tuning.label_file import read_labels, scored_against
    from ...tuning.label_score import VerdictSpans, label_table
    from ...watch.frame_judge import FrameJudge
    from ...watch.replay import Recording, replay

    labels = read_labels(args.labels) if args.labels else None
    if args.html:
        film_page.environment()  # before the work
    policy = load_policy(args.policy) if args.policy else GatePolicy()
    profiles = load_profiles(args.profiles, policy) if args.profiles else None
    regions = regions_from(args.regions)
    reference = load_reference(args.reference) if args.reference else None
    bundle, sources = bundle_and_rest(args, args.sources)
    if len(sources) != 1:
        raise ConfigurationError(f"{len(sources)} sources of frames are named: give one video, folder, or quoted glob")
    quiet_decoder()
    failed, printed = 0, ""
    film, spans = Film(), VerdictSpans()
    recording = Recording(sources[0], args.fps)
    print(f"{'frame':>7}  {'t_s':>9}  {'state':<7}  reason")
    with (
        args.json.lines() if args.json else contextlib.nullcontext() as write,
        Progress("opening the bundle") as progress,
        Scorer(bundle, threads=args.threads, fit=args.fit) as scorer,
    ):
        progress.begin("frames")
        baseline = load_baseline(args.baseline, scorer.bundle.sha256) if args.baseline else None
        gate = ProfiledGate(policy, profiles, {None: baseline})
        for judged in replay(recording, FrameJudge(gate, regions, {None: reference}), scorer, args.begin):
            if judged.error is not None:
                failed += 1
                progress.clear()
                print(f"frame {judged.index}: {shown(judged.error)}", file=sys.stderr)
            if write:
                write(judged.as_json())
            verdict = judged.verdict
            spans.add(judged.t_s, verdict)
            film.add(judged.index, judged.t_s, judged.image if args.html else None, verdict)
            if verdict.changed or judged.index == 0 or (verdict.announced and verdict.reason != printed):
                printed = verdict.reason
                progress.clear()
                print(f"{judged.index:>7}  {judged.t_s:>9.3f}  {_state(verdict)}  {_why(verdict)}", flush=True)
            progress(film.frames, recording.total)
        if recording.problem and write:
            counts = {"frames": film.frames, "expected": recording.expected, "missing": recording.missing}
            write({"file": sources[0], **counts, "error": recording.problem})
        film.end()
        scores, refusal = scored_against(labels, shown(args.labels or ""), spans, film.end_s)
        if scores is not None and write:
            write({"file": sources[0], "labels": {reason: score.to_dict() for reason, score in scores.items()}})
    for remark in filter(None, (recording.note, recording.problem, left_out(sources))):
        print(shown(remark), file=sys.stderr)
    lost = f", {recording.missing} of {recording.expected} missing" if recording.missing else ""
    print(f"{film.frames} frames, {failed} not readable{lost}")
    if scores is not None:
        print(label_table(scores))
    if args.html:
        problems = [str(problem) for problem in (recording.problem, refusal) if problem]
        by = f"policy {shown(args.policy)}" if args.policy else "the published policy"
        beside = f", profiles {shown(args.profiles)}" if args.profiles else ""
        beside += f", beside the baseline {shown(args.baseline)}" if args.baseline else ""
        about = f"Judged by dgiqa-edge {VERSION}, bundle {shown(bundle)}, {by}{beside}"
        page = film_page.film_page(shown(Path(sources[0]).name), [about], film, gate.thresholds(), problems, scores)
        write_result(args.html, page)
    if refusal is not None:
        raise refusal
    return EXIT_BAD_FRAME if failed or recording.problem else 0


def _state(verdict: "Verdict") -> str:
    state = verdict.state.value
    return coloured(f"{state:<7}", {"pass": "green", "reject": "red"}.get(state, "yellow"))


def _why(verdict: "Verdict") -> str:
    from ...watch.seen import in_words

    facts = [in_words(verdict.where)]
    if verdict.value is not None and verdict.threshold is not None:
        facts.append(f"{verdict.cue} {verdict.value:.4g}, threshold {verdict.threshold:.4g}")
    told = "; ".join(filter(None, facts))
    return f"{verdict.reason} ({told})" if told else verdict.reason
