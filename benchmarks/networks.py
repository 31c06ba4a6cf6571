"""How fast parsing, matting and landmarks are, against torch on the same graph. The last line printed is JSON.

    python benchmarks/networks.py [--frames 24] [--size 256] [--compared 24]

Takes the assets from resources/assets, fetching them if need be. Times are milliseconds a frame, the best of three rounds;
`cpu` counts the work of all threads, which other load on the machine hardly changes. `iou` compares masks cut from the fast
parser's label maps with those from the whole one's, over frames spread over each clip.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from headsmith.contract.labels import MASKS, label_ids  # noqa: E402
from headsmith.contract.networks import FAST, PARSER, SELFIE, matting_network, matting_view  # noqa: E402
from headsmith.contract.paths import ASSET, ASSET_LIST  # noqa: E402
from headsmith.contract.settings import FramesSettings, MatteSettings  # noqa: E402
from headsmith.media.frames import iterate_frames  # noqa: E402
from headsmith.nets import bisenetv2, rvm  # noqa: E402
from headsmith.nets.face_landmarker import FaceLandmarker  # noqa: E402
from headsmith.nets.matting import open_rvm, open_selfie  # noqa: E402
from headsmith.nets.parallel import map_in_order  # noqa: E402
from headsmith.nets.parsers import Parser, prepare_floats  # noqa: E402
from headsmith.nets.tfjs import read_graph  # noqa: E402
from headsmith.nets.tfjs_torch import run_graph  # noqa: E402
from headsmith.stages.assets import fetch_asset  # noqa: E402
from headsmith.stages.frames import extract_frames  # noqa: E402
from headsmith.stages.networks import convert_network  # noqa: E402

BISENET = ["bisenetv2/model.json", *(f"bisenetv2/group1-shard{index}of3.bin" for index in (1, 2, 3))]
RVM = ["rvm/rvm.json", "rvm/rvm.bin"]
SELFIE_PARTS = ["selfie/selfie.json", "selfie/selfie.bin"]
CLIPS = {"franck": 4800 / 25, "cap12": 1337 / 25, "pexels": 472 / 25, "single_face": 72 / 25}
"""The clips that are compared on, and about how many seconds they last."""


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
    pictures = [prepare_floats(frame, bisenetv2.FACTS) for frame in frames]
    inputs = [torch.from_numpy(picture.transpose(0, 2, 3, 1).copy()) for picture in pictures]
    return milliseconds(lambda: [run_graph(graph, {bisenetv2.INPUT: x}, [bisenetv2.RESULT]) for x in inputs], len(frames))


def torch_matting(frames: list[np.ndarray]) -> dict[str, float]:
    graph = read_graph(asset(RVM[0]), [asset(name) for name in RVM[1:]])
    examples = rvm.example_inputs(graph, frames[0].shape[0], 1.0) | {rvm.SCALE: torch.tensor(1.0)}
    inputs = [torch.from_numpy(frame[None] / np.float32(255)) for frame in frames]
    outputs = list(rvm.OUTPUTS.values())
    return milliseconds(lambda: [run_graph(graph, {**examples, rvm.INPUT: x}, outputs) for x in inputs], len(frames))


def parsing(frames: list[np.ndarray], folder: Path) -> dict[str, dict[str, float]]:
    results, count = {}, len(frames)
    for name, words in ((PARSER + FAST, "parsing_fast"), (PARSER, "parsing_full")):
        single, double = (Parser(folder / f"{name}.onnx", threads) for threads in (1, 2))
        pictures = [single.prepare(frame) for frame in frames]
        results |= {
            f"{words}_1_thread": milliseconds(lambda parse=single.parse: [parse(frame) for frame in frames], count),
            f"{words}_network_alone": milliseconds(lambda run=single.run, given=pictures: [run(x) for x in given], count),
            f"{words}_2_threads_a_frame": milliseconds(lambda parse=double.parse: [parse(frame) for frame in frames], count),
            f"{words}_2_frames_at_once": milliseconds(lambda parse=single.parse: list(map_in_order(parse, frames, 2)), count),
        }
    return results


def overlaps(folder: Path, size: int, count: int) -> dict[str, dict[str, float]]:
    fast, full = (Parser(folder / f"{name}.onnx") for name in (PARSER + FAST, PARSER))
    results = {}
    for clip, seconds in CLIPS.items():
        frames = list(crops(folder, clip, size, count / seconds))
        both = [(fast.parse(frame), full.parse(frame)) for frame in frames]
        results[clip] = {name: mask_overlap(*map(np.stack, zip(*both, strict=True)), labels) for name, labels in MASKS.items()}
        mattes = [
            np.stack(list(open_rvm(rvm_file(folder, view), *view[:2]).mattes(frames))) > 127 for view in views(size).values()
        ]
        results[clip]["matte"] = round(float((mattes[0] & mattes[1]).sum() / (mattes[0] | mattes[1]).sum()), 4)
    return results


def crops(folder: Path, clip: str, size: int, rate: float) -> Iterator[np.ndarray]:
    manifest, settings = folder / clip / "frames.json", FramesSettings(fps=rate, size=size)
    where = {"clip": clip, "video": asset(f"{clip}.mp4"), "start": None, "end": None, "person": None, "mtcnn": []}
    extract_frames(**where, detector=asset("face_landmarker.task"), manifest=manifest, settings=settings, threads=2)
    yield from (image for _, image in iterate_frames(manifest))


def mask_overlap(first: np.ndarray, second: np.ndarray, labels: tuple[str, ...]) -> float:
    one, other = (np.isin(maps, label_ids(labels)) for maps in (first, second))
    return round(float((one & other).sum() / max(1, (one | other).sum())), 4)


def views(size: int) -> dict[str, tuple[int, float, str]]:
    settings = MatteSettings()
    view = matting_view(size, settings.downsample, settings.enlarge)
    return {"full": (size, 1.0, "full"), "default": (*view, settings.precision)}


def matting(frames: list[np.ndarray], folder: Path) -> dict[str, dict[str, float]]:
    results, count = {}, len(frames)
    for threads in (1, 2):
        networks = {
            f"matting_{word}": open_rvm(rvm_file(folder, view), *view[:2], threads)
            for word, view in views(len(frames[0])).items()
        }
        networks[f"matting_{SELFIE}"] = open_selfie(folder / f"{SELFIE}.onnx", threads)
        for name, network in networks.items():
            mattes = network.mattes
            results[f"{name}_{threads}_threads"] = milliseconds(lambda mattes=mattes: list(mattes(frames)), count)
    return results


def rvm_file(folder: Path, view: tuple[int, float, str]) -> Path:
    return folder / f"{matting_network(*view)}.onnx"


def measure(frames: list[np.ndarray], folder: Path) -> dict[str, dict[str, float]]:
    mattings = [(matting_network(*view), RVM) for view in views(len(frames[0])).values()]
    for network, names in ((PARSER, BISENET), (PARSER + FAST, BISENET), (SELFIE, SELFIE_PARTS), *mattings):
        parts = [asset(name) for name in names]
        convert_network(network=network, graph=parts[0], shards=parts[1:], output=folder / f"{network}.onnx")
    count = len(frames)
    with FaceLandmarker(asset("face_landmarker.task")) as landmarker:
        landmarks = milliseconds(lambda: [landmarker.detect(frame) for frame in frames], count)
    return {
        "landmarks": landmarks,
        **parsing(frames, folder),
        **matting(frames, folder),
        "parsing_torch": torch_parsing(frames[:4]),
        "matting_torch": torch_matting(frames[:4]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--compared", type=int, default=24)
    options = parser.parse_args()
    frames = read_frames(options.frames, options.size)
    with TemporaryDirectory() as folder:
        results = measure(frames, Path(folder))
        iou = overlaps(Path(folder), options.size, options.compared)
    for name, times in results.items():
        print(f"{name:28s} {times['wall']:8.1f} ms a frame, {times['cpu']:8.1f} ms of CPU")
    for clip, values in iou.items():
        print(f"{clip:28s} fast against full: " + ", ".join(f"{name} {value:.4f}" for name, value in values.items()))
    print(json.dumps({"size": options.size, "frames": options.frames, "milliseconds_a_frame": results, "iou": iou}))


if __name__ == "__main__":
    main()
