"""``pack``, ``pull``, ``slots``, ``rollback``: a bundle on its way to a device, and back."""

import argparse
import logging
import sys
from typing import TYPE_CHECKING

from ...ground.names import shown
from ..action import Action
from ..engine_options import add_engine_options, add_signature_option
from ..json_output import add_json_option
from ..option_types import input_path, output_file
from ..progress import Progress
from ..which_bundle import add_bundle_option, bundle_of

if TYPE_CHECKING:
    from ...bundle.bundle import Bundle
    from ...update.slots import Slots


def replayed(bundle: "Bundle", args: argparse.Namespace) -> str:
    """Replay the golden frame by the engine options; what was found, in words.

    Raises:
        FidelityError, EngineCompatibilityError, BundleError, MachineError: as ``Scorer``.
    """
    from ...scoring.scorer import Scorer

    with Scorer(bundle, backend=args.backend, threads=args.threads, verify="always") as scorer:
        backends = ", ".join(dict.fromkeys(engine["backend"] for engine in scorer.describe()))
        assert scorer.deviation is not None
        return f"the golden frame on {backends}: within tolerance"


def _configure_pack(parser: argparse.ArgumentParser) -> None:
    add_bundle_option(parser)
    parser.add_argument("--out", type=output_file, required=True, metavar="FILE", help="the archive, a plain tar")


def _pack(args: argparse.Namespace) -> int:
    from ...bundle.bundle import load_bundle
    from ...hashing import sha256_file
    from ...update.archive import pack
    from ...update.signature import signed_by

    bundle = load_bundle(bundle_of(args))
    size = pack(bundle, args.out)
    key = signed_by(bundle.path)
    signed = "unsigned" if key is None else f"signed by the key {key}"
    print(f"{shown(args.out)}: bundle {bundle.sha256[:12]}, {signed}, {size / 2**20:.1f} MiB")
    print(f"sha256 {sha256_file(args.out)}")
    return 0


def _configure_pull(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="of an archive made by bundle pack: https://, http://, or a file")
    _add_slots(parser)
    add_signature_option(parser, "it may be unsigned, unless it comes by http://")
    parser.add_argument(
        "--force",
        action="store_true",
        help="also a bundle that failed here before, is older than the current one, or is current already",
    )
    add_engine_options(parser)
    add_json_option(parser, "what became of it")


def _pull(args: argparse.Namespace) -> int:
    from ...update.download import address_of
    from ...update.pull import pull
    from ...update.signature import read_public_keys
    from ...update.slots import Slots

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)
    address = address_of(args.url)
    keys = read_public_keys(args.require_signature or ())
    slots = Slots(args.slots)
    with Progress("fetching and trying the bundle"):
        pulled = pull(address, slots, keys, lambda bundle: print(f"replay   {replayed(bundle, args)}"), args.force)
    what = "is current now" if pulled.switched else "is current already"
    if pulled.switched and slots.on_trial:
        what += ", on trial: a watch takes it over, and goes back where it fails"
    print(f"bundle   {pulled.bundle[:12]} {what}")
    if args.json:
        args.json.write({"bundle": pulled.bundle, "switched": pulled.switched, "on_trial": slots.on_trial})
    return 0


def _configure_slots(parser: argparse.ArgumentParser) -> None:
    _add_slots(parser)
    add_json_option(parser, "the same")


def _slots(args: argparse.Namespace) -> int:
    from ...update.slots import slots_of

    slots = slots_of(args.slots)
    state = slots.state()
    facts = {
        "current": slots.current,
        "on_trial": slots.on_trial,
        "previous": slots.previous,
        "failed": [{"bundle": it.bundle, "reason": it.reason, "at": it.at} for it in state.refused],
    }
    print(f"current   {_named(slots, slots.current)}{', on trial' if slots.on_trial else ''}")
    print(f"previous  {_named(slots, slots.previous)}")
    for failed in state.refused:
        print(f"failed    {failed.bundle[:12]}: {shown(failed.reason)}")
    if args.json:
        args.json.write(facts)
    return 0


def _configure_rollback(parser: argparse.ArgumentParser) -> None:
    _add_slots(parser)


def _rollback(args: argparse.Namespace) -> int:
    from ...errors import UpdateError
    from ...update.slots import slots_of

    slots = slots_of(args.slots)
    before = slots.current
    if slots.previous is None or before is None:
        raise UpdateError(f"{shown(args.slots)} has no bundle to go back to: pull one")
    slots.roll_back(before, "taken back by hand")
    print(f"current   {_named(slots, slots.current)}; {before[:12]} is not tried again by itself")
    return 0


def _named(slots: "Slots", bundle: str | None) -> str:
    from ...bundle.bundle import read_document
    from ...errors import BundleError

    if bundle is None:
        return "none"
    try:
        return f"{bundle[:12]}, built {read_document(slots.path(bundle))[0]['created']}"
    except BundleError:
        return f"{bundle[:12]}, damaged"


def _add_slots(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--slots", type=input_path, required=True, metavar="DIR", help="the folder that holds the bundles"
    )


ACTIONS = (
    Action("pack", "make an archive of a bundle, the same bytes each time", _configure_pack, _pack),
    Action("pull", "fetch an archive into a slot, verify and replay it there, make it current", _configure_pull, _pull),
    Action("slots", "say which bundle is current, which one to go back to, and which failed", _configure_slots, _slots),
    Action("rollback", "make the previous bundle the current one again", _configure_rollback, _rollback),
)
