"""A server of KServe's protocol without a network: what stands in for the wire of a remote engine."""

import numpy as np

from dgiqa_edge.runtime.bundle.bundle import load_bundle
from dgiqa_edge.runtime.bundle.checks import MANIFEST_NAME
from dgiqa_edge.runtime.engines.remote import engine, model
from dgiqa_edge.runtime.engines.remote.model import HASH, MANIFEST, version_of
from dgiqa_edge.runtime.engines.remote.wire import Answer
from dgiqa_edge.runtime.errors import RemoteError
from dgiqa_edge.runtime.scoring.scorer import Scorer

ADDRESS = "triton://server/nano"


class Server:
    """Serves a bundle by a scorer of its own; ``away`` is how many questions it does not answer."""

    def __init__(self, bundle):
        self.bundle = load_bundle(bundle)
        self.scorer = Scorer(self.bundle)
        self.away = 0
        self.asked = []
        self.spoil = lambda outputs: outputs

    def take_over(self, monkeypatch):
        """Answer at every address."""
        for module in (engine, model):
            monkeypatch.setattr(module, "open_wire", lambda address: self)

    def parameters(self):
        self._answer("parameters")
        return {HASH: self.bundle.sha256, MANIFEST: (self.bundle.path / MANIFEST_NAME).read_text()}

    def infer(self, request_id, frame, outputs):
        self._answer(request_id)
        found = self.scorer.run(frame)
        given = {name: found[name][np.newaxis] if name == "score" else found[name] for name in outputs}
        return Answer(self.spoil(given), str(version_of(self.bundle.sha256)))

    def close(self):
        pass

    def _answer(self, question):
        self.asked.append(question)
        if self.away:
            self.away -= 1
            raise RemoteError("server is away")
