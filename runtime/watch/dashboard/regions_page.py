"""The dashboard's address of regions: what of a camera's picture counts, to be seen and to be set."""

import asyncio
from typing import TYPE_CHECKING, Any

from ...errors import ConfigurationError, MachineError
from ...gate.regions import Regions, parse_regions
from ..sinks.registry import RegionMeans
from .feed import json_text
from .pages import json_body

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

NOT_KEPT = 'no folder for regions is set: give one at the top of the watch file, as regions = "regions"'


class RegionsPage:
    """Has nothing to say (204) until the watch has given it ``means``."""

    def __init__(self) -> None:
        self.means: RegionMeans | None = None

    async def answer(self, request: "Request") -> "Response":
        """GET: ``include``, ``exclude`` and ``kept``, whether a PUT of the first two would stay; of ``camera=NAME``."""
        means, camera = self.means, request.query_params.get("camera", "")
        if means is None:
            return _text(204, "")
        try:
            if request.method == "PUT":
                return await self._set(means, camera, await json_body(request))
            return _shown(means, means.get(camera))
        except KeyError:
            return _text(404, "no such camera")

    async def _set(self, means: RegionMeans, camera: str, asked: Any) -> "Response":
        if not means.is_kept:
            return _text(409, NOT_KEPT)
        try:
            regions = parse_regions(asked)
            await asyncio.to_thread(means.set, camera, regions)
        except ConfigurationError as error:
            return _text(400, str(error))
        except MachineError as error:
            return _text(507, str(error))
        return _shown(means, regions)


def _shown(means: RegionMeans, regions: Regions) -> "Response":
    from starlette.responses import Response

    return Response(json_text(regions.to_dict() | {"kept": means.is_kept}), media_type="application/json")


def _text(status: int, text: str) -> "Response":
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(f"{text}\n" if text else "", status_code=status)
