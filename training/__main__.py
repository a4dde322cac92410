"""``python -m dgiqa_edge.training COMMAND --config FILE``: the training jobs from the command line."""

import argparse
import sys
from collections.abc import Callable
from typing import Any

from dgiqa_edge.runtime.commands.cli import EXIT_INTERRUPTED, guarded
from dgiqa_edge.runtime.commands.option_types import input_path, output_file, output_folder, parse, whole

DEVICE: dict[str, Any] = {
    "choices": ("auto", "cpu", "cuda"),
    "default": "auto",
    "help": "where PyTorch computes DGIQA (default: a GPU if there is one)",
}
EXAMPLE = """example:
  python -m dgiqa_edge.training features --config training/configs/biq2021.toml --part train
  python -m dgiqa_edge.training edge --config training/configs/biq2021.toml --out runs/edge
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one job; 0 if it came to its end."""
    return guarded(lambda: _run(arguments), extra="training")


def _run(arguments: list[str] | None) -> int:
    options = parse(_parser(), arguments)
    from . import commands

    try:
        return int(getattr(commands, options.command.replace("-", "_"))(options))
    except KeyboardInterrupt:
        print("stopped: the same command goes on from here", file=sys.stderr)
        return EXIT_INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dgiqa_edge.training",
        description="Train and evaluate `edge`, `nano` and DGIQA (of the reference preset). Every job is resumable.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, summary: str, configured: bool = True) -> Callable[..., argparse.Action]:
        added = commands.add_parser(name, help=summary, description=summary)
        if configured:
            added.add_argument(
                "--config", type=input_path, required=True, help="TOML file; see training/configs/biq2021.toml"
            )
        return added.add_argument

    add = command("features", "cache the encoder's features of photos")
    add("--part", choices=("train", "test", "degraded"), required=True)
    add("--limit", type=whole(1), help="only the first so many")
    add = command("drift", "see how far INT8 moves features, so that edge's head learns to bear it")
    add("--bundle", type=input_path, required=True, help="an INT8 bundle of edge for frames of the photos' size")
    add("--limit", type=whole(1), default=300, help="how many photos (default %(default)s)")
    add = command("views", "make the views of photos and of degraded copies that nano reads")
    add("--part", choices=("train", "degraded"), required=True)
    add("--limit", type=whole(1), help="only the first so many")
    add = command("depth", "make the pictures that DGIQA reads: photos with their depth, which is computed once")
    add("--part", choices=("train", "test"), required=True)
    add("--limit", type=whole(1), help="only the first so many")
    add("--device", **DEVICE)
    add = command("edge", "train edge's quality head on cached features")
    add("--out", type=output_folder, required=True, help="folder of the run")
    add("--weights", type=output_file, help="where to write the best head (safetensors)")
    add("--start", type=input_path, help="go on from these weights (safetensors) instead of a fresh head")
    joining = "make one head, whose logits are the mean of theirs, of several that were trained apart"
    add = command("join", joining, configured=False)
    add("heads", type=input_path, nargs="+", metavar="HEAD", help="weights as `edge` writes them")
    add("--weights", type=output_file, required=True, help="where to write the joined head (safetensors)")
    add = command("teach", "score photos by heads of edge that never saw them, for nano to learn from")
    add("--out", type=output_folder, required=True, help="folder of the runs, one for each fold")
    add("--scores", type=output_file, required=True, help="where to write the scores (npz)")
    add = command("nano", "train nano on its views")
    add("--out", type=output_folder, required=True, help="folder of the run")
    add("--teacher", type=input_path, help="scores that `teach` wrote, for distillation")
    add("--start", type=input_path, help="go on from these weights (safetensors) instead of ImageNet's trunk")
    add("--weights", type=output_file, help="where to write the best network (safetensors)")
    add = command(
        "nano-head", "train what nano reads from its trunk's maps, score and faults; the trunk stays as it is"
    )
    add("--out", type=output_folder, required=True, help="folder of the run, and of the maps: 2 GB")
    add("--start", type=input_path, required=True, help="weights with the trunk (safetensors), as `nano` writes them")
    add("--teacher", type=input_path, help="scores that `teach` wrote, for distillation")
    add("--weights", type=output_file, help="where to write the best network (safetensors)")
    add = command("dgiqa", "train DGIQA, the quality network of the reference preset, on photos with depth")
    add("--out", type=output_folder, required=True, help="folder of the run")
    add("--start", type=input_path, help="go on from these weights (safetensors) instead of ImageNet's Swin-T")
    add("--weights", type=output_file, help="where to write the best network (safetensors), for --quality-weights")
    add("--overfit", type=whole(1), metavar="PHOTOS", help="fit and validate on the same so many photos: a check")
    add("--device", **DEVICE)
    add = command("finish", "finish nano for INT8: a short training on INT8 grids, taught by the weights that come in")
    add("--out", type=output_folder, required=True, help="folder of the run")
    add("--start", type=input_path, required=True, help="weights to finish (safetensors)")
    add(
        "--teacher", type=input_path, help="weights whose FP32 scores and depth it keeps to (safetensors); else --start"
    )
    add("--weights", type=output_file, required=True, help="where to write the finished network (safetensors)")
    add = command("ablate", "train a model without each of its parts and compare on the validation photos")
    add("--model", choices=("edge", "nano"), required=True)
    add("--out", type=output_folder, required=True, help="folder of the runs, one each")
    add("--teacher", type=input_path, help="scores that `teach` wrote, for nano")
    add("--json", type=output_file, help="where to write the figures")
    add = command("evaluate", "agreement with people on validation photos or, once, on the test split")
    add("--model", choices=("edge", "nano", "dgiqa"), required=True)
    add("--weights", type=input_path, required=True, help="safetensors file")
    add("--part", choices=("validation", "test"), default="validation")
    add("--rgbd", type=input_path, help="also judge depth of edge or nano on a folder of Kinect frames")
    add("--device", **DEVICE)
    add("--json", type=output_file, help="where to write the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
