"""The photos that ship with the project: where they lie, and whom a picture made from them must credit.

The long form of the credits, with origins, is ``PHOTOS.md`` beside this file.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

SHIPPED_PHOTOS = Path(__file__).resolve().parents[1] / "photos"
DETAIL = "_detail"

_BERASATEGI = "Aitzol Berasategi (CC BY 4.0)"
_FREESPACE = 'Trevor "Freespace" (CC BY 4.0)'
CREDITS: Mapping[str, str] = MappingProxyType(
    {
        "astronaut": "NASA (public domain)",
        "cat": "Stéfan van der Walt (CC0 1.0)",
        "coffee": "Rachel Michetti (CC0 1.0)",
        "dahlia": "vultilion (CC BY 2.0)",
        "dandelions": "Clemens Engelhardt (CC0 1.0)",
        "dogs_at_door": _BERASATEGI,
        "fig_in_bowl": _FREESPACE,
        "forest_stream": _BERASATEGI,
        "mountain_meadow": _BERASATEGI,
        "mountain_path": _BERASATEGI,
        "pagoda": "danielbuechele (CC BY 2.0)",
        "paint_brushes": _FREESPACE,
        "rocket": "SpaceX (CC0 1.0)",
        "room_with_drum": "Jakub Mede (CC BY 4.0)",
        "sunset_flare": _BERASATEGI,
    }
)
"""Author and licence by the photo's name; a ``_detail`` window has those of its original."""


def credit_of(photo: Path) -> str | None:
    """Author and licence of a photo that ships; ``None`` for any other file."""
    if photo.resolve().parent != SHIPPED_PHOTOS:
        return None
    return CREDITS.get(photo.stem.removesuffix(DETAIL))
