"""How fast parsing, matting and landmarks are, against torch on the same graph. The last line printed is JSON.

    python benchmarks/networks.py [--frames 24] [--size 256]

Takes the assets from resources/assets, fetching them if need be. Times are milliseconds a frame, the best of three rounds;
`cpu` counts the work of all threads, which other load on the machine hardly changes.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from headsmith.contract.networks import PARSER, matting_network  # noqa: E402
from headsmith.contract.paths import ASSET, ASSET_LIST  # noqa: E402
from headsmith.nets import bisenet, rvm  # noqa: E402
from headsmith.nets.bisenet import BiSeNet  # noqa: E402
from headsmith.nets.face_landmarker import FaceLandmarker  # noqa: E402
from headsmith.nets.parallel import map_in_order  # noqa: E402
from headsmith.nets.rvm import Matting  # noqa: E402
from headsmith.nets.tfjs import read_graph  # noqa: E402
from headsmith.nets.tfjs_torch import run_graph  # noqa: E402
from headsmith.stages.assets import fetch_asset  # noqa: E402
from headsmith.stages.networks import convert_network  # noqa: E402

BISENET = ["bisenetv2/model.json", *(f"bisenetv2/group1-shard{index}of3.bin" for index in (1, 2, 3))]
RVM = ["rvm/rvm.json", "rvm/rvm.bin"]


def asset(name: str) -> Path:
    path = ROOT / ASSET.format(asset=name)
    fetch_asset(asset=name, listing=ROOT / ASSET_LIST, output=path)
    return path


def read_frames(count: int, size: int) -> list[np.ndarray]:
    video = cv2.VideoCapture(str(asset("franck.mp4")))
    squares = (cv2.resize(video.read()[1][24:284, 70:330], (size, size), interpolation=cv2.INTER_AREA) for _ in range(count))
    return [cv2.cvtColor(square, cv2.COLOR_BGR2RGB) for square in squares]


def milliseconds(work: Callable[[], object], frames: int, rounds: int = 3) -> dict[str, float]:
    walls, cpus = [], []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return {"wall": round(1000 * min(walls) / frames, 1), "cpu": round(1000 * min(cpus) / frames, 1)}


def torch_parsing(frames: list[np.ndarray]) -> dict[str, float]:
    graph = read_graph(asset(BISENET[0]), [asset(name) for name in BISENET[1:]])
    inputs = [torch.from_numpy(bisenet.prepare(frame).transpose(0, 2, 3, 1).copy()) for frame in frames]
    return milliseconds(lambda: [run_graph(graph, {bisenet.INPUT: x}, [bisenet.LOGITS]) for x in inputs], len(frames))


def torch_matting(frames: list[np.ndarray]) -> dict[str, float]:
    graph = read_graph(asset(RVM[0]), [asset(name) for name in RVM[1:]])
    examples = rvm.example_inputs(graph, frames[0].shape[0], 1.0) | {rvm.SCALE: torch.tensor(1.0)}
    inputs = [torch.from_numpy(frame[None] / np.float32(255)) for frame in frames]
    outputs = list(rvm.OUTPUTS.values())
    return milliseconds(lambda: [run_graph(graph, {**examples, rvm.INPUT: x}, outputs) for x in inputs], len(frames))


def measure(frames: list[np.ndarray], folder: Path) -> dict[str, dict[str, float]]:
    matting = matting_network(frames[0].shape[0])
    for network, names in ((PARSER, BISENET), (matting, RVM)):
        parts = [asset(name) for name in names]
        convert_network(network=network, graph=parts[0], shards=parts[1:], output=folder / f"{network}.onnx")
    single, double = (BiSeNet(folder / f"{PARSER}.onnx", threads) for threads in (1, 2))
    one, two = (Matting(folder / f"{matting}.onnx", threads) for threads in (1, 2))
    count = len(frames)
    with FaceLandmarker(asset("face_landmarker.task")) as landmarker:
        landmarks = milliseconds(lambda: [landmarker.detect(frame) for frame in frames], count)
    return {
        "landmarks": landmarks,
        "parsing_1_thread": milliseconds(lambda: [single.parse(frame) for frame in frames], count),
        "parsing_2_threads_a_frame": milliseconds(lambda: [double.parse(frame) for frame in frames], count),
        "parsing_2_frames_at_once": milliseconds(lambda: list(map_in_order(single.parse, frames, 2)), count),
        "matting_1_thread": milliseconds(lambda: [one.estimate(frame) for frame in frames], count),
        "matting_2_threads": milliseconds(lambda: [two.estimate(frame) for frame in frames], count),
        "parsing_torch": torch_parsing(frames[:4]),
        "matting_torch": torch_matting(frames[:4]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--size", type=int, default=256)
    options = parser.parse_args()
    frames = read_frames(options.frames, options.size)
    with TemporaryDirectory() as folder:
        results = measure(frames, Path(folder))
    for name, times in results.items():
        print(f"{name:28s} {times['wall']:8.1f} ms a frame, {times['cpu']:8.1f} ms of CPU")
    print(json.dumps({"size": options.size, "frames": options.frames, "milliseconds_a_frame": results}))


if __name__ == "__main__":
    main()
