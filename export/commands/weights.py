"""``dgiqa-edge weights``: what is in a weights file, convert it, download published ones."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dgiqa_edge.runtime.commands.json_output import add_json_option
from dgiqa_edge.runtime.commands.option_types import input_path, output_file, output_folder
from dgiqa_edge.runtime.commands.progress import say
from dgiqa_edge.runtime.errors import DgiqaEdgeError

if TYPE_CHECKING:
    from ..weights.weight_sets import Wish

SUMMARY = "check, convert or download network weights"
EXTRA = "export"

_EXAMPLES = {
    "check": "dgiqa-edge weights check depth_anything_v2_vits.pth",
    "convert": "dgiqa-edge weights convert dgiqa_koniq.pth dgiqa_koniq.safetensors --half",
    "fetch": "dgiqa-edge weights fetch depth-anything-v2-small --out weights",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the three actions and their options."""
    parser.epilog = "examples:\n" + "\n".join(f"  {example}" for example in _EXAMPLES.values())
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    check = _action(actions, "check", "say what a weights file is and whether it is whole")
    check.add_argument("file", type=input_path, metavar="FILE", help=".pth, .pt, .bin or .safetensors")
    check.add_argument("--network", metavar="NAME", help="the network it must fit; default: any known one")
    _add_choice(check)
    add_json_option(check, "what it is")

    convert = _action(actions, "convert", "write a weights file as safetensors, which loads without running code")
    convert.add_argument("source", type=input_path, metavar="SRC", help=".pth, .pt, .bin or .safetensors")
    convert.add_argument("destination", type=output_file, metavar="DST", help="a name ending in .safetensors")
    _add_choice(convert)
    convert.add_argument("--half", action="store_true", help="store float16: half the size")
    convert.add_argument("--network", metavar="NAME", help="the network it must fit; default: the one it fits")
    add_json_option(convert, "what was written")

    fetch = _action(actions, "fetch", "download published weights, checked against their pinned SHA-256")
    fetch.add_argument("name", metavar="NAME", help="depth-anything-v1|v2-small|base|large, or a network's name")
    fetch.add_argument(
        "--out", type=output_folder, default=Path("weights"), metavar="DIR", help="folder (default: weights)"
    )
    fetch.add_argument("--revision", metavar="REV", help="commit, branch or tag instead of the pinned one")
    fetch.add_argument("--sha256", metavar="HEX", help="the hash the file must have, instead of the pinned one")
    add_json_option(fetch, "what was fetched")


def run(args: argparse.Namespace) -> int:
    """Run the action; results on stdout. Returns the exit code."""
    return {"check": _check, "convert": _convert, "fetch": _fetch}[args.action](args)


def _action(actions: Any, name: str, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name,
        help=summary,
        description=summary,
        epilog=f"example:\n  {_EXAMPLES[name]}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    return parser


def _add_choice(parser: argparse.ArgumentParser) -> None:
    from ..options.build_options import NO_EMA

    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--no-ema", action="store_true", help=NO_EMA)
    choice.add_argument(
        "--weights-key",
        metavar="KEY",
        help="the entry to take, as model_ema or ema.module ('.': the file's own entries)",
    )


def _wish(args: argparse.Namespace) -> "Wish":
    from ..weights.weight_sets import Wish

    return Wish(not args.no_ema, args.weights_key)


def _check(args: argparse.Namespace) -> int:
    try:
        description = _describe(args.file, args.network, _wish(args))
    except DgiqaEdgeError as error:
        if not args.json:
            raise
        args.json.write({"file": str(args.file), "ok": False, "error": str(error)})
        if args.json.file is not None:
            raise
        return error.exit_code
    if args.json:
        args.json.write(description)
    _print_rows(_rows(description))
    return 0


def _describe(file: Path, network: str | None, wish: "Wish") -> dict[str, Any]:
    from dgiqa_edge.runtime.hashing import sha256_file

    from ..weights.checkpoints import check_fit, fitting, read_for
    from ..weights.weight_numbers import UNTRAINED, untrained

    checkpoint = read_for(file, network, wish)
    names = [network] if network else fitting(checkpoint.state, file)
    for name in names:
        check_fit(name, checkpoint.state, file)
    return {
        "file": str(file),
        "ok": True,
        "networks": names,
        "keys": len(checkpoint.state),
        "parameters": sum(tensor.numel() for tensor in checkpoint.state.values()),
        "stored_types": list(checkpoint.stored_types),
        "format": checkpoint.file_format,
        "bytes": file.stat().st_size,
        "sha256": sha256_file(file),
        "metadata": dict(checkpoint.metadata),
        "weights_key": checkpoint.taken,
        "notes": [
            *([checkpoint.note] if checkpoint.note else []),
            *([UNTRAINED] if untrained(checkpoint.state) else []),
        ],
    }


def _rows(description: dict[str, Any]) -> Iterator[tuple[str, str]]:
    size_mib = description["bytes"] / 2**20
    yield "file", f"{description['file']} ({description['format']}, {size_mib:.1f} MiB)"
    yield "network", " or ".join(description["networks"])
    if len(description["networks"]) > 1:
        yield "", "(same keys and shapes: the network you name when building decides)"
    yield "weights", "the file's own entries" if description["weights_key"] == "." else description["weights_key"]
    yield "keys", f"{description['keys']}, all there, shapes right, values finite"
    yield "numbers", f"{description['parameters'] / 1e6:.1f} M, stored as {', '.join(description['stored_types'])}"
    yield "sha256", description["sha256"]
    for key, text in description["metadata"].items():
        yield f"metadata {key}", text
    yield from (("note", note) for note in description["notes"])


def _convert(args: argparse.Namespace) -> int:
    from dgiqa_edge.runtime.hashing import sha256_file

    from ..weights.checkpoints import convert

    notes: list[str] = []
    network = convert(
        args.source, args.destination, half=args.half, network=args.network, wish=_wish(args), tell=notes.append
    )
    before, after = (path.stat().st_size / 2**20 for path in (args.source, args.destination))
    rows = (
        ("written", f"{args.destination} ({after:.1f} MiB; {args.source} has {before:.1f} MiB)"),
        ("network", network.replace("|", " or ")),
        ("sha256", sha256_file(args.destination)),
    )
    _tell(args, rows, notes)
    return 0


def _fetch(args: argparse.Namespace) -> int:
    from ..weights import hub
    from ..weights.published import get

    published = get(args.name)
    say(f"{published.name}: licence of the weights is {published.licence}")
    download = hub.fetch(args.name, args.out, revision=args.revision, sha256=args.sha256)
    rows = (
        ("file", f"{download.path}{'' if download.fetched else ' (was there already)'}"),
        ("network", published.network),
        ("source", f"{published.repository} at {download.revision}"),
        ("licence", published.licence),
        ("sha256", download.sha256),
    )
    unpinned = f"no hash was known for this revision: {args.out / hub.LOCK_FILE} now records it for later ones"
    _tell(args, rows, [] if download.pinned else [unpinned])
    return 0


def _tell(args: argparse.Namespace, rows: Sequence[tuple[str, str]], notes: Sequence[str]) -> None:
    if args.json:
        args.json.write({**dict(rows), "notes": list(notes)})
    _print_rows(iter([*rows, *(("note", note) for note in notes)]))


def _print_rows(rows: Iterator[tuple[str, str]]) -> None:
    listed = list(rows)
    width = max(len(label) for label, _ in listed)
    for label, text in listed:
        print(f"{label:<{width}}  {text}")
