"""One Python process from its start to the first verdict, and its frames after that: what ``bench native`` starts.

Prints the figures that ``dgiqa-edge-native bench --json`` prints, measured in the same way, as one line of JSON.
"""

import argparse
import os
import resource
import statistics
import time
from pathlib import Path

from dgiqa_edge.runtime.commands.option_types import threads, whole
from dgiqa_edge.runtime.ground.names import json_text

FPS = 25.0


def seconds_since_process_start() -> float:
    """Since the kernel started this process, in steps of its clock tick (10 ms as a rule)."""
    fields = Path("/proc/self/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    uptime_s = float(Path("/proc/uptime").read_text(encoding="utf-8").split()[0])
    return uptime_s - int(fields[19]) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Score, measure cues, judge: as a camera's frames are."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--backend", required=True)
    parser.add_argument("--threads", type=threads, required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--frames", type=whole(1), required=True)
    parser.add_argument("--warmup", type=whole(0), required=True)
    args = parser.parse_args()

    from dgiqa_edge.runtime.frames.images import read_image
    from dgiqa_edge.runtime.gate.cues import CueMeter
    from dgiqa_edge.runtime.gate.gate import Gate, Reading
    from dgiqa_edge.runtime.gate.policy import GatePolicy
    from dgiqa_edge.runtime.scoring.scorer import Scorer

    # As `watch` and the native runtime have it: no thread spins between frames.
    with Scorer(args.bundle, backend=args.backend, threads=args.threads, allow_spinning=False) as scorer:
        frame = read_image(args.image)
        meter, gate = CueMeter(), Gate(GatePolicy())
        total_ms = []
        for number in range(1 + args.warmup + args.frames):
            started = time.perf_counter()
            quality = scorer.score(frame)
            gate.update(Reading(quality.score, meter.measure(frame)), number / FPS)
            total_ms.append((time.perf_counter() - started) * 1e3)
            if number == 0:
                first_verdict_ms = seconds_since_process_start() * 1e3
        figures = {
            "first_verdict_ms": first_verdict_ms,
            "p50_ms": statistics.median(total_ms[1 + args.warmup :]),
            "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "score": quality.score,
        }
    print(json_text(figures))


if __name__ == "__main__":
    main()
