"""``dgiqa-edge gate tune``: thresholds proposed from photos that should pass and photos that should not."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ...ground.names import shown
from ..json_output import add_json_option
from ..option_types import input_path, number, output_file
from ..progress import Progress
from ..which_bundle import bundle_of
from .scoring import EXIT_BAD_FRAME, add_scorer_options

if TYPE_CHECKING:
    from ...tuning.photos import Measured

SUMMARY = "propose thresholds from a folder of frames to pass and one of frames to reject"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the action's options."""
    parser.add_argument("--good", required=True, metavar="DIR", help="photos that should pass (folder or glob)")
    parser.add_argument(
        "--bad",
        required=True,
        metavar="DIR",
        help="photos that should be rejected; a sub-folder per fault gives a table of reasons by its name",
    )
    add_scorer_options(parser)
    parser.add_argument(
        "--policy", type=input_path, metavar="FILE", help="policy to start from (default: the published one)"
    )
    parser.add_argument("--out", type=output_file, metavar="FILE", help="write the tuned policy there, as TOML")
    parser.add_argument(
        "--plot",
        type=output_file,
        metavar="FILE",
        help="draw scores, thresholds, curves and mistakes (.png, .svg, .pdf)",
    )
    parser.add_argument(
        "--max-false-reject",
        type=number(0.0, 1.0),
        metavar="SHARE",
        help="share of good photos that a threshold may reject (default: score by Youden's J, cues 0.02)",
    )
    add_json_option(parser, "thresholds and reasons")


def run(args: argparse.Namespace) -> int:
    """Propose and print; 0, or 3 when some photo could not be read."""
    from ...errors import ConfigurationError
    from ...frames.images import left_out
    from ...gate.policy import GatePolicy
    from ...gate.policy_file import load_policy, policy_toml
    from ...ground.atomic import write_result
    from ...tuning.photos import labelled_readings
    from ...tuning.reason_table import reason_table, table_text
    from ...tuning.report import proposal_records, proposal_table
    from ...tuning.roc_plot import check_plot_path, write_roc_plot
    from ...tuning.thresholds import propose, with_proposals

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
    from ...errors import ConfigurationError
    from ...frames.images import quiet_decoder
    from ...scoring.scorer import Scorer
    from ...tuning.photos import labelled_photos, measure_photos
    from ...tuning.thresholds import FEWEST_PHOTOS

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
