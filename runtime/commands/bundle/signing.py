"""``keygen``, ``sign``, ``verify``: whose bundle it is."""

import argparse

from ...ground.names import shown
from ..action import Action
from ..engine_options import add_engine_options
from ..json_output import add_json_option
from ..option_types import input_path, output_file
from ..which_bundle import add_bundle_option, bundle_of


def _configure_keygen(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=output_file, required=True, metavar="NAME", help="writes NAME.key.pem (to sign) and NAME.pub.pem"
    )


def _keygen(args: argparse.Namespace) -> int:
    from ...update.signature import make_keys

    private, public, key = make_keys(args.out)
    print(f"key {key}")
    print(f"{shown(private)}: signs, readable by you alone; keep it off the devices")
    print(f"{shown(public)}: verifies; goes to the devices (--require-signature)")
    return 0


def _configure_sign(parser: argparse.ArgumentParser) -> None:
    add_bundle_option(parser)
    parser.add_argument("--key", type=input_path, required=True, metavar="FILE", help="the private key (PEM)")


def _sign(args: argparse.Namespace) -> int:
    from ...bundle.bundle import load_bundle
    from ...update.signature import sign

    bundle = load_bundle(bundle_of(args))  # what is damaged is not signed
    key = sign(bundle.path, args.key)
    print(f"{shown(bundle.path)}: bundle {bundle.sha256[:12]}, signed by the key {key}")
    return 0


def _configure_verify(parser: argparse.ArgumentParser) -> None:
    add_bundle_option(parser)
    parser.add_argument(
        "--key",
        type=input_path,
        required=True,
        action="append",
        metavar="FILE",
        help="a public key (PEM) that may have signed it; may be given more than once",
    )
    parser.add_argument("--replay", action="store_true", help="also replay the golden frame on this machine")
    add_engine_options(parser)
    add_json_option(parser, "what was verified")


def _verify(args: argparse.Namespace) -> int:
    from ...bundle.bundle import load_bundle
    from ...update.signature import read_public_keys, verify_signature
    from .delivery import replayed

    path = bundle_of(args)
    key = verify_signature(path, read_public_keys(args.key))
    print(f"signature  by the key {key}")
    bundle = load_bundle(path)
    print(f"files      {len(bundle.manifest.files)}, all hashes right")
    if args.replay:
        print(f"replay     {replayed(bundle, args)}")
    print(f"bundle     {bundle.sha256[:12]}, built {bundle.manifest.created}")
    if args.json:
        facts = {"bundle": bundle.sha256, "version": bundle.manifest.created, "key": key, "replayed": args.replay}
        args.json.write({"path": str(path), **facts})
    return 0


ACTIONS = (
    Action("keygen", "make a pair of keys to sign bundles with (Ed25519)", _configure_keygen, _keygen),
    Action("sign", "sign a bundle: bundle.json.sig beside its bundle.json", _configure_sign, _sign),
    Action(
        "verify", "verify a bundle's signature, then all hashes, then, if asked, its replay", _configure_verify, _verify
    ),
)
