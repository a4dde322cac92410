"""A bundle fetched into a slot of its own, judged there, and made the current one; or nothing changed at all."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..bundle.bundle import Bundle, load_bundle, read_document
from ..errors import BundleError, ConfigurationError, EngineCompatibilityError, FidelityError, UpdateError
from ..ground.atomic import PARTIAL_PREFIX, atomic_directory
from ..ground.error_text import one_line
from ..hashing import sha256_bytes
from .archive import read_head, unpack
from .download import Address, fetch
from .signature import PublicKey, check_signature
from .slots import Slots

Replay = Callable[[Bundle], None]
"""Runs the golden frame of a bundle; raises where its outputs are wrong or it cannot run here."""
_UNFIT = (BundleError, FidelityError, EngineCompatibilityError)
_FORCE = "--force takes it all the same"


@dataclass(frozen=True)
class Pulled:
    """``bundle`` is the current one; ``switched``: it was another before."""

    bundle: str
    switched: bool


def pull(address: Address, slots: Slots, keys: Sequence[PublicKey], replay: Replay, force: bool = False) -> Pulled:
    """Fetch an archive, verify it, replay its golden frame, switch.

    Args:
        keys: of which one must have signed it; without any it may be unsigned.
        replay: called before the switch.
        force: also a bundle that was refused here before, is older than the current one, or is current already.

    Raises:
        ConfigurationError: an address without encryption, and no key.
        UpdateError: it cannot be fetched whole, or may not take the current one's place.
        SignatureError, BundleError: it is not whose or what it should be.
        FidelityError, EngineCompatibilityError: the replay failed, which is remembered.
        MachineError: the disk is full, or the folder cannot be written.
    """
    if address.scheme == "http" and not keys:
        raise ConfigurationError(f"{address.shown} is not encrypted: require a signature, or give https://")
    with slots.pulling():
        slots.prune()
        known = sha256_bytes(address.url.encode("utf-8", "surrogateescape"))
        etag, given = slots.state().fetched.get(known, (None, ""))
        settled = given == slots.current or slots.state().refusal(given) is not None
        with tempfile.NamedTemporaryFile(prefix=PARTIAL_PREFIX, suffix=".tar", dir=slots.folder) as archive:
            file = Path(archive.name)
            new, etag = fetch(address, file, etag if settled and not force else None)
            if not new:
                _refuse_failed(slots, given, address)
                return Pulled(given, False)
            with _naming(address, file):
                manifest, signature = read_head(file)
                if keys:
                    check_signature(manifest, signature, keys, address.shown)
            given = sha256_bytes(manifest)
            if etag is not None:
                slots.remember_fetched(known, etag, given)
            if not force:
                _refuse_failed(slots, given, address)
                if given == slots.current:
                    return Pulled(given, False)
            _install(file, given, address, slots, replay, force)
            return Pulled(given, True)


def _install(file: Path, given: str, address: Address, slots: Slots, replay: Replay, force: bool) -> None:
    with atomic_directory(slots.path(given)) as place, _naming(address, file, place):
        unpack(file, place)
        bundle = load_bundle(place)
        if not force:
            _refuse_older(bundle, slots, address)
        try:
            replay(bundle)
        except _UNFIT as error:
            slots.refuse(given, one_line(error))
            raise
    slots.switch(given)


def _refuse_failed(slots: Slots, bundle: str, address: Address) -> None:
    failed = slots.state().refusal(bundle)
    if failed is not None:
        raise UpdateError(f"{address.shown} gives bundle {bundle[:12]}, which failed here ({failed.reason}); {_FORCE}")


def _refuse_older(bundle: Bundle, slots: Slots, address: Address) -> None:
    """Who holds back a newer bundle could otherwise bring an old one back, whose signature is as good."""
    if slots.current is None:
        return
    try:
        now = read_document(slots.path(slots.current))[0]["created"]
    except BundleError:  # whatever comes is better
        return
    if bundle.manifest.created[:19] < now[:19]:
        raise UpdateError(
            f"{address.shown} was built {bundle.manifest.created}, before the current bundle ({now}); {_FORCE}"
        )


@contextlib.contextmanager
def _naming(address: Address, *places: Path) -> Iterator[None]:
    """Errors name where the bundle came from, not the temporary places it is judged in."""
    try:
        yield
    except _UNFIT as error:
        said = str(error)
        for place in places:
            said = said.replace(str(place), address.shown).replace(place.name, address.shown)
        raise type(error)(said) from error
