"""An exported repository on a real Triton Inference Server, asked by our engine and by tritonclient."""

import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import triton_server

from dgiqa_edge.runtime.bundle.bundle import load_bundle
from dgiqa_edge.runtime.commands.cli import main
from dgiqa_edge.runtime.engines.remote.model import served, version_of
from dgiqa_edge.runtime.errors import EngineCompatibilityError, RemoteError
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.settings.remote_address import parse_address

grpc = pytest.importorskip("tritonclient.grpc", reason="tritonclient is not installed: extra triton")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(triton_server.absent()), reason=triton_server.absent()),
]

REQUESTS, CLIENTS = 1000, 8


@pytest.fixture
def export(tmp_path: Path) -> Callable[..., Path]:
    def run(bundle: Path, *options: str) -> Path:
        repository = tmp_path / "models"
        assert main(["export", "triton", str(bundle), "--out", str(repository), "--name", "eye", *options]) == 0
        return repository

    return run


def frames(number: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(number)]


def test_a_thousand_frames_of_eight_clients_get_their_scores_through_a_restart(make_bundle, export, tmp_path):
    bundle = make_bundle(faults=True)
    pictures = frames(REQUESTS)
    with Scorer(bundle) as here:
        expected = [here.score(picture).to_dict() for picture in pictures]
    answered: list[tuple[int, dict]] = []
    a_third = threading.Event()

    def ask(client: int, server: triton_server.TritonServer) -> None:
        addresses = (f"triton://127.0.0.1:{server.grpc}/eye", f"triton+http://127.0.0.1:{server.http}/eye")
        with Scorer(f"{addresses[client % 2]}?patience=2m&timeout=10s") as scorer:
            for index in range(client, REQUESTS, CLIENTS):
                answered.append((index, scorer.score(pictures[index]).to_dict()))
                if len(answered) > REQUESTS // 3:
                    a_third.set()

    with triton_server.serving(export(bundle), tmp_path / "log") as server, ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(ask, client, server) for client in range(CLIENTS)]
        assert a_third.wait(120)
        server.kill()
        before = len(answered)
        time.sleep(1)
        server.start()
        for client in clients:
            client.result(timeout=300)
        metrics = server.read("/metrics", server.metrics)
    assert REQUESTS // 3 < before < REQUESTS
    assert sorted(index for index, _ in answered) == list(range(REQUESTS))  # none lost, none twice
    for index, record in answered:
        assert {**record, "latency_ms": 0} == {**expected[index], "latency_ms": 0}
    scored = f'dgiqa_edge_scored_frames_total{{model="eye",version="{version_of(load_bundle(bundle).sha256)}"}} '
    count = int(next(line for line in metrics.splitlines() if line.startswith(scored)).removeprefix(scored))
    assert count == 1 + REQUESTS - before  # with the warm-up: a frame is sent again only where its answer was lost


def test_the_runtime_there_takes_any_size_pictures_and_batches(make_bundle, export, make_photo, tmp_path):
    bundle = make_bundle(faults=True)
    large = make_photo(3, 96, 160)
    jpeg = cv2.imencode(".jpg", large)[1].tobytes()
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(jpeg)
    with Scorer(bundle) as here:
        of_array, of_file = here.score(large), here.score(photo)
    with triton_server.serving(export(bundle), tmp_path / "log") as server:
        client = grpc.InferenceServerClient(f"127.0.0.1:{server.grpc}")

        def ask(**inputs: np.ndarray) -> object:
            tensors = []
            for name, array in inputs.items():
                kind = "BYTES" if array.dtype == object else "UINT8"
                tensors.append(grpc.InferInput(name, list(array.shape), kind))
                tensors[-1].set_data_from_numpy(array)
            return client.infer("eye", tensors)

        raw = ask(frame=np.stack([large] * 3))
        assert raw.as_numpy("score").tolist() == [[of_array.score]] * 3
        assert raw.as_numpy("depth").tolist() == [of_array.depth.tolist()] * 3
        assert raw.as_numpy("faults").tolist() == [[float(np.float32(it)) for it in of_array.faults.values()]] * 3
        encoded = ask(image=np.array([[jpeg]], object))
        assert encoded.as_numpy("score").tolist() == [[of_file.score]]
        assert np.array_equal(encoded.as_numpy("coverage")[0], of_file.coverage)
        for inputs, problem in (
            ({"image": np.array([[jpeg[:200]]], object)}, "damaged"),
            ({"frame": large[np.newaxis], "image": np.array([[jpeg]], object)}, "give 'frame'"),
        ):
            with pytest.raises(grpc.InferenceServerException, match=problem) as caught:
                ask(**inputs)
            assert caught.value.status() == "StatusCode.INVALID_ARGUMENT"


def test_requests_that_wait_are_scored_in_one_run(make_bundle, export, tmp_path):
    """Triton puts them together: fewer runs than frames."""
    bundle = make_bundle()
    with (
        triton_server.serving(export(bundle, "--queue-delay", "50ms"), tmp_path / "log") as server,
        Scorer(f"triton://127.0.0.1:{server.grpc}/eye") as scorer,
    ):
        results = list(scorer.score_many(frames(40)))
        statistics = grpc.InferenceServerClient(f"127.0.0.1:{server.grpc}").get_inference_statistics("eye")
    assert len(results) == 40
    assert statistics.model_stats[0].inference_count == 40 + 1  # the warm-up
    assert statistics.model_stats[0].execution_count < 20


@pytest.mark.parametrize(
    ("config_is_of_it", "problem"),
    [(True, "golden frame's score is 0.2 off"), (False, "is another bundle than config.pbtxt says")],
)
def test_a_model_whose_replay_fails_there_is_not_served(config_is_of_it, problem, make_bundle, export, tmp_path):
    bundle, spoilt = make_bundle(), make_bundle(golden_shift=0.2)
    repository = export(bundle)
    if config_is_of_it:
        config = repository / "eye" / "config.pbtxt"
        config.write_text(config.read_text().replace(load_bundle(bundle).sha256, load_bundle(spoilt).sha256))
    (there,) = repository.glob("eye/*/bundle")
    for file in spoilt.iterdir():
        (there / file.name).write_bytes(file.read_bytes())
    with pytest.raises(RuntimeError), triton_server.serving(repository, tmp_path / "log"):
        pass
    assert problem in (tmp_path / "log").read_text()


def test_a_server_with_another_bundle_is_refused_and_one_that_is_killed_is_away(make_bundle, export, tmp_path):
    bundle, other = make_bundle(), make_bundle(faults=True)
    with triton_server.serving(export(bundle), tmp_path / "log") as server:
        for address in (f"triton://127.0.0.1:{server.grpc}/eye", f"triton+http://127.0.0.1:{server.http}/eye"):
            with Scorer(bundle) as here, Scorer(served(here.bundle, parse_address(address))) as there:
                assert there.score(frames(1)[0]).score == here.score(frames(1)[0]).score
            with (
                Scorer(other) as here,
                Scorer(served(here.bundle, parse_address(address))) as there,
                pytest.raises(EngineCompatibilityError, match="another bundle"),
            ):
                there.score(frames(1)[0])
            with pytest.raises(EngineCompatibilityError, match="check the model's name"):
                Scorer(address.replace("/eye", "/nose"))
        with Scorer(f"triton://127.0.0.1:{server.grpc}/eye?patience=500ms") as there:
            there.score(frames(1)[0])
            server.kill()
            with pytest.raises(RemoteError, match="does not answer"):
                there.score(frames(1)[0])
            assert not there.describe()[0]["answers"]


def test_over_tls(make_bundle, export, tmp_path):
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    words = f"req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -days 2 -subj /CN=localhost"
    subprocess.run(
        ["openssl", *words.split(), "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True
    )
    bundle = make_bundle()
    options = ["--grpc-use-ssl=true", f"--grpc-server-cert={certificate}", f"--grpc-server-key={key}"]
    with triton_server.serving(export(bundle), tmp_path / "log", options) as server:
        address = f"://localhost:{server.grpc}/eye"
        with Scorer(f"tritons{address}?ca={certificate}") as there, Scorer(bundle) as here:
            assert there.score(frames(1)[0]).score == here.score(frames(1)[0]).score
        for untrusted in (f"tritons{address}", f"triton{address}"):
            with pytest.raises(RemoteError):
                Scorer(untrusted)
