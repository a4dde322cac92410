"""The dashboard's address of regions: what of a camera's picture counts, to be seen and to be set."""

import asyncio
from typing import TYPE_CHECKING

from ...gate.regions import parse_regions
from ..sinks.registry import RegionMeans
from .pages import json_answer, json_body, text_answer

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
        if request.method == "PUT" and (means is None or not means.is_kept):
            return text_answer(409, NOT_KEPT)
        if means is None:
            return text_answer(204, "")
        try:
            regions = means.get(camera)
        except KeyError:
            return text_answer(404, "no such camera")
        if request.method == "PUT":
            regions = parse_regions(await json_body(request))
            await asyncio.to_thread(means.set, camera, regions)
        return json_answer(regions.to_dict() | {"kept": means.is_kept})
