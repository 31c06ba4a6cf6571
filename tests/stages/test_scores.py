import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from headsmith.contract.errors import UserError
from headsmith.contract.frame_ids import frame_name
from headsmith.contract.manifest import Manifest, folder_of, hash_frames, write_manifest
from headsmith.contract.settings import ScoresSettings
from headsmith.media.images import write_image
from headsmith.nets.face_landmarker import FaceLandmarker
from headsmith.nets.lpips import Lpips
from headsmith.nets.stlpips import StLpips, stlpips_shapes
from headsmith.stages import scores, scores_perceptual
from headsmith.stages.scores import score_avatar
from headsmith.stages.scores_baselines import nearest_frame, read_training_ids
from headsmith.stages.scores_landmarks import landmark_percent, read_landmarks
from headsmith.stages.scores_perceptual import Metric, perceptual_scores, span
from headsmith.stages.scores_regions import REGIONS, Truth, compare

SIZE = 48
TRAIN, HELD_OUT = (0, 1, 2, 4), (5, 6, 7)
ORIGINS = {"head": "skin, hair", "mouth": "lips", "eyes": "left_eye, right_eye", "tracking": "all at once"}
NO_MOUTH, NO_FACE_IN_RENDER, NO_LANDMARKS, EYES_CLOSED = 6, 7, 5, 7
OFFSET = 10
TEACHING = {0: 0.0, 1: 9.0, 2: 3.0, 4: 6.0}
TESTING = {6: 5.2, 7: 2.0}


class FakeLandmarker(FaceLandmarker):
    """Finds the point that a render carries in its first pixel; no face where that is zero."""

    def __init__(self, model):
        self.model = model

    def close(self):
        pass

    def detect(self, image):
        shift = int(image[0, 0, 0])
        return [SimpleNamespace(points=landmarks_at(shift / 10)), SimpleNamespace(points=landmarks_at(90.0))][: 2 * (shift > 0)]


def landmarks_at(x: float) -> np.ndarray:
    points = np.zeros((478, 3), np.float32)
    points[263, 0] = 20
    points[:, 0] += x
    return points


def write_folder(manifest, pictures):
    folder = folder_of(manifest)
    folder.mkdir(parents=True)
    for frame_id, picture in pictures.items():
        write_image(folder / frame_name(frame_id), picture)
    ids = tuple(pictures)
    write_manifest(manifest, Manifest((SIZE, SIZE), ids, hash_frames(folder, ids)))
    return manifest


@pytest.fixture
def clip(tmp_path, monkeypatch):
    """A clip whose renders differ from the truth by ``OFFSET`` in the head and twice that elsewhere."""
    monkeypatch.setattr(scores, "FaceLandmarker", FakeLandmarker)
    rng = np.random.default_rng(0)
    frames = {i: rng.integers(30, 200, (SIZE, SIZE, 3), dtype=np.uint8) for i in (*TRAIN, *HELD_OUT)}
    head = np.zeros((SIZE, SIZE), np.uint8)
    head[8:40, 10:38] = 255
    mouth = np.zeros((SIZE, SIZE), np.uint8)
    mouth[20:24, 20:30] = 255
    eyes = np.zeros((SIZE, SIZE), np.uint8)
    eyes[12:15, 14:20] = eyes[12:15, 26:32] = 255
    renders = {i: frames[i] + np.where(head, OFFSET, 2 * OFFSET).astype(np.uint8)[..., None] for i in HELD_OUT}
    for i, shift in zip(HELD_OUT, (50, 62, 0), strict=True):
        renders[i][0, 0] = shift
    ids = np.array([*TRAIN, *HELD_OUT])
    status = np.where(ids == NO_LANDMARKS, "no_face", "ok")
    points = np.stack([landmarks_at({**TEACHING, **TESTING}.get(i, np.nan)) for i in ids])
    np.savez(tmp_path / "landmarks.npz", ids=ids, status=status, points=points, convention=np.array("mediapipe478"))
    (tmp_path / "dataset.json").write_text(json.dumps({"train": TRAIN, "held_out": HELD_OUT}))
    empty = np.zeros_like(mouth)
    return SimpleNamespace(
        frames=frames,
        renders=renders,
        head=head > 0,
        eyes=eyes > 0,
        inputs={
            "clip": "small",
            "renders": write_folder(tmp_path / "renders" / "basis.json", renders),
            "frames": write_folder(tmp_path / "frames.json", frames),
            "mouth_masks": write_folder(tmp_path / "mouth.json", {i: empty if i == NO_MOUTH else mouth for i in frames}),
            "head_masks": write_folder(tmp_path / "head.json", dict.fromkeys(frames, head)),
            "eyes_masks": write_folder(tmp_path / "eyes.json", {i: empty if i == EYES_CLOSED else eyes for i in frames}),
            "landmarks": tmp_path / "landmarks.npz",
            "dataset": tmp_path / "dataset.json",
            "detector": tmp_path / "face_landmarker.task",
            "output": tmp_path / "scores" / "basis.json",
            "table": tmp_path / "scores" / "basis.csv",
            "settings": ScoresSettings(perceptual="none"),
            "origins": ORIGINS,
        },
    )


@pytest.fixture
def scored(clip):
    score_avatar(**clip.inputs)
    with clip.inputs["table"].open() as file:
        rows = {int(row["frame"]): row for row in csv.DictReader(file)}
    return json.loads(clip.inputs["output"].read_text()), rows


def decibels(difference: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean(difference.astype(np.float64) ** 2)))


def test_renders_of_a_known_error_have_the_psnr_of_that_error(scored, clip):
    means, rows = scored
    assert means["psnr_head"] == pytest.approx(20 * np.log10(255 / OFFSET), abs=1e-6)
    assert means["psnr_mouth"] == pytest.approx(20 * np.log10(255 / OFFSET), abs=1e-6)
    assert means["psnr_eyes"] == pytest.approx(20 * np.log10(255 / OFFSET), abs=1e-6)
    whole = [decibels(clip.renders[i].astype(float) - clip.frames[i]) for i in HELD_OUT]
    assert means["psnr_image"] == pytest.approx(np.mean(whole), abs=1e-6)
    assert float(rows[5]["psnr_image"]) == pytest.approx(whole[0], abs=1e-3)
    assert 0 < means["ssim_image"] < means["ssim_head"] < 1


def test_baselines_equal_brute_force(scored, clip):
    means, rows = scored
    mean_frame = np.round(np.mean([clip.frames[i] for i in TRAIN], axis=0))
    expected = [decibels((mean_frame - clip.frames[i])[clip.head]) for i in HELD_OUT]
    assert means["baseline_mean_psnr_head"] == pytest.approx(np.mean(expected), abs=1e-6)
    chosen = {i: min(TRAIN, key=lambda t: abs(TEACHING[t] - TESTING[i])) for i in TESTING}
    assert chosen == {6: 4, 7: 2}
    expected = [decibels((clip.frames[t].astype(float) - clip.frames[i])[clip.head]) for i, t in chosen.items()]
    assert means["baseline_nearest_psnr_head"] == pytest.approx(np.mean(expected), abs=1e-6)
    assert rows[NO_LANDMARKS]["baseline_nearest_psnr_head"] == ""


def test_frames_without_a_score_are_left_out_and_counted(scored):
    means, rows = scored
    assert means["frames"] == 3 and means["training_frames"] == 4
    assert means["frames_without_mouth"] == 1 and rows[NO_MOUTH]["psnr_mouth"] == ""
    assert means["renders_without_face"] == 1 and rows[NO_FACE_IN_RENDER]["faces"] == "0"
    assert means["frames_without_landmark_error"] == 2
    assert means["frames_without_nearest"] == 1
    assert means["frames_without_head_mask"] == 0
    assert means["frames_without_eyes"] == 1 and rows[EYES_CLOSED]["psnr_eyes"] == ""
    assert rows[NO_LANDMARKS]["baseline_nearest_psnr_eyes"] == "" and rows[NO_LANDMARKS]["baseline_mean_psnr_eyes"] != ""


def test_landmark_error_is_that_of_the_nearest_face(scored):
    means, _ = scored
    assert means["landmark_error_percent_iod"] == pytest.approx(100 * (6.2 - 5.2) / 20, abs=1e-4)


def test_of_another_convention_the_truth_is_looked_at_too(clip):
    """The known points have eye corners where MediaPipe's face has them; the truth carries its shift in its first pixel."""
    known = np.zeros((len(clip.frames), 68, 3), np.float32)
    known[:, 45, 0] = 20
    for row, frame_id in enumerate(clip.frames):
        known[row, :, 0] += clip.frames[frame_id][0, 0, 0] / 10 + 0.5
    with np.load(clip.inputs["landmarks"]) as file:
        arrays = dict(file)
    np.savez(clip.inputs["landmarks"], **(arrays | {"points": known, "convention": np.array("ibug68")}))
    score_avatar(**clip.inputs)
    means = json.loads(clip.inputs["output"].read_text())
    expected = np.mean([abs(clip.renders[i][0, 0, 0] - float(clip.frames[i][0, 0, 0])) / 10 * 100 / 20 for i in (6,)])
    assert means["landmark_error_percent_iod"] == pytest.approx(expected, rel=1e-4)
    assert means["frames_without_landmark_error"] == 2
    known[:, :, 0] += 12
    np.savez(clip.inputs["landmarks"], **(arrays | {"points": known, "convention": np.array("ibug68")}))
    score_avatar(**clip.inputs)
    assert json.loads(clip.inputs["output"].read_text())["landmark_error_percent_iod"] is None


def test_a_second_run_gives_the_same_bytes(scored, clip):
    before = [clip.inputs[name].read_bytes() for name in ("output", "table")]
    score_avatar(**clip.inputs)
    assert [clip.inputs[name].read_bytes() for name in ("output", "table")] == before


def test_the_masked_image_counts_black_pixels_too(scored, clip):
    """As HyperGaussians' metrics.py: both pictures times the mask, the error over all pixels of the image."""
    means, _ = scored
    expected = [decibels((clip.renders[i].astype(float) - clip.frames[i]) * clip.head[..., None]) for i in HELD_OUT]
    assert means["psnr_masked_image"] == pytest.approx(np.mean(expected), abs=1e-6)
    share = clip.head.mean()
    assert means["psnr_masked_image"] == pytest.approx(means["psnr_head"] - 10 * np.log10(share), abs=1e-6)


def ssim_of_the_field(first: np.ndarray, second: np.ndarray) -> float:
    """3DGS's SSIM: convolution with zeros beyond the border, all in float64."""
    along = torch.exp(-((torch.arange(11, dtype=torch.float64) - 5) ** 2) / (2 * 1.5**2))
    window = torch.outer(along, along) / along.sum() ** 2
    a, b = (torch.tensor(picture / 255).permute(2, 0, 1)[:, None] for picture in (first, second))

    def blur(values):
        return torch.nn.functional.conv2d(values, window[None, None], padding=5)

    mean_a, mean_b, both = blur(a), blur(b), blur(a * b) - blur(a) * blur(b)
    spread_a, spread_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    upper = (2 * mean_a * mean_b + 0.01**2) * (2 * both + 0.03**2)
    return (upper / ((mean_a**2 + mean_b**2 + 0.01**2) * (spread_a + spread_b + 0.03**2))).mean().item()


@pytest.mark.parametrize("rows", [slice(8, 40), slice(0, 48)])
def test_ssim_of_the_masked_image_is_the_fields(clip, rows):
    """Also where the head touches the border, beyond which the field's window sees zeros."""
    mask = np.zeros((SIZE, SIZE), bool)
    mask[rows, 10:48] = True
    pair = [clip.frames[5], clip.renders[5]]
    found = compare(Truth(pair[0], {"head": mask, "image": mask | True}, None), pair[1])["ssim_masked_image"]
    assert found == pytest.approx(ssim_of_the_field(*(picture * mask[..., None] for picture in pair)), abs=1e-7)


def random_metrics() -> list[Metric]:
    generator = torch.Generator().manual_seed(2)
    shifted = StLpips({name: torch.rand(shape, generator=generator) - 0.3 for name, shape in stlpips_shapes().items()})
    plain = Lpips("alex")
    for tensor in plain.state_dict().values():
        tensor.copy_(torch.rand(tensor.shape, generator=generator) - 0.3)
    return [Metric("stlpips", shifted, ("head",)), Metric("lpips_alex", plain, ("head", "masked_image"))]


def as_seen(picture: np.ndarray, mask: np.ndarray, box: tuple[slice, slice]) -> torch.Tensor:
    return torch.tensor(((picture * mask[..., None])[box] / 127.5 - 1).transpose(2, 0, 1)[None]).float()


def test_perceptual_distances_are_those_of_the_masked_box_and_of_the_masked_image(clip):
    metrics, truth = random_metrics(), Truth(clip.frames[5], {"head": clip.head}, None)
    pictures = {"": clip.renders[5], "baseline_nearest_": None, "baseline_mean_": clip.frames[0]}
    found = perceptual_scores(metrics, truth, pictures)
    boxes = {"head": (slice(8, 40), slice(8, 40)), "masked_image": (slice(None), slice(None))}
    for metric in metrics:
        for cut in metric.cuts:
            for prefix in ("", "baseline_mean_"):
                pair = [as_seen(picture, clip.head, boxes[cut]) for picture in (clip.frames[5], pictures[prefix])]
                with torch.no_grad():
                    assert found[f"{prefix}{metric.name}_{cut}"] == pytest.approx(metric.network(*pair).item(), rel=1e-5)
            assert found[f"baseline_nearest_{metric.name}_{cut}"] is None
    assert len(found) == 9
    headless = perceptual_scores(metrics, Truth(clip.frames[5], {"head": clip.head & False}, None), pictures)
    assert headless == dict.fromkeys(found)


def test_perceptual_scores_stand_in_the_files_beside_their_baselines(clip, monkeypatch):
    monkeypatch.setattr(scores, "load_metrics", lambda *_: random_metrics())
    score_avatar(**clip.inputs | {"settings": ScoresSettings(lpips="alex", lpips_backbone="a.pth")})
    means = json.loads(clip.inputs["output"].read_text())
    for name in ("stlpips_head", "lpips_alex_head", "lpips_alex_masked_image"):
        for prefix in ("", "baseline_mean_", "baseline_nearest_"):
            assert np.isfinite(means[prefix + name]) and means[prefix + name] != 0
    told = means["protocol"]["perceptual"]
    assert "alexnet-owt-7be5be79.pth" in told["lpips_alex"]["network"] and told["lpips_alex"]["scale"] == 1.0
    assert "0.05" in told["lpips_alex"]["factor_of_the_field"] and "not LPIPS" in told["stlpips"]["network"]
    names = [name for name in means if name.startswith(("psnr", "ssim", "stlpips", "lpips", "baseline"))]
    assert names[:5] == [f"psnr_{region}" for region in REGIONS] and names[13].startswith("baseline_mean_psnr")


def test_the_protocol_says_how_scores_were_made(scored):
    protocol = scored[0]["protocol"]
    assert (protocol["held_out_frames"], protocol["training_frames"], protocol["image_size"]) == (3, 4, [SIZE, SIZE])
    for region in ("head", "mouth", "eyes"):
        assert ORIGINS[region] in protocol["regions"][region]
    assert set(protocol["regions"]) == set(REGIONS)
    assert protocol["tracking"].startswith("all at once; ") and "held out" in protocol["tracking"]
    assert "background" in protocol["background"] and "mean over the frames" in protocol["average"]
    assert protocol["perceptual"].keys() == {"stlpips", "lpips"}
    assert all(told.startswith("not computed") for told in protocol["perceptual"].values())


def test_eyes_that_are_switched_off_have_no_score_and_the_reason(clip):
    score_avatar(**clip.inputs | {"eyes_masks": None, "origins": {**ORIGINS, "eyes": ""}})
    means = json.loads(clip.inputs["output"].read_text())
    assert means["psnr_eyes"] is None and means["baseline_mean_ssim_eyes"] is None and means["frames_without_eyes"] == 3
    assert "masks.sets" in means["protocol"]["regions"]["eyes"] and means["psnr_head"] is not None


def test_metrics_are_loaded_as_the_settings_ask(asset):
    weights = asset("stlpips_alex.pth")
    assert scores_perceptual.load_metrics(ScoresSettings(perceptual="none"), weights, None, None) == []
    (metric,) = scores_perceptual.load_metrics(ScoresSettings(), weights, None, None)
    assert (metric.name, metric.cuts) == ("stlpips", ("head",))
    with pytest.raises(UserError, match="not there"):
        scores_perceptual.load_metrics(
            ScoresSettings(perceptual="none", lpips="vgg"), None, asset("lpips/vgg.pth"), weights.parent / "none.pth"
        )


@pytest.mark.parametrize("first", range(0, 50, 7))
@pytest.mark.parametrize("length", [1, 9, 31, 32, 33, 50])
def test_span_holds_the_mask_and_is_long_enough(first, length):
    used = np.zeros(50, bool)
    used[first : first + length] = True
    found = np.zeros(50, bool)
    found[span(used, 32)] = True
    assert found[used].all() and found.sum() == max(32, used.sum())


def test_nearest_frame_breaks_ties_by_order_and_skips_frames_without_landmarks():
    known = {1: landmarks_at(1.0)[:, :2], 2: landmarks_at(3.0)[:, :2], 9: landmarks_at(2.0)[:, :2]}
    assert nearest_frame(9, [0, 1, 2], known) == 1
    assert nearest_frame(9, [0], known) is None
    assert nearest_frame(5, [1], known) is None


def test_faults_name_the_file_and_leave_nothing(clip):
    (folder_of(clip.inputs["head_masks"]) / frame_name(5)).write_bytes(b"spoiled")
    with pytest.raises(UserError, match=r"head"):
        score_avatar(**clip.inputs)
    clip.inputs["dataset"].write_text(json.dumps({"train": []}))
    with pytest.raises(UserError, match="training"):
        read_training_ids(clip.inputs["dataset"], "small")
    clip.inputs["landmarks"].write_bytes(b"PK spoiled")
    with pytest.raises(UserError, match=r"landmarks\.npz"):
        read_landmarks(clip.inputs["landmarks"], "small")
    assert not clip.inputs["output"].exists() and not clip.inputs["table"].exists()


def test_the_detector_sees_no_error_in_a_perfect_render(asset):
    from skimage.data import astronaut

    picture = np.ascontiguousarray(astronaut()[:256, 96:352])
    with FaceLandmarker(asset("face_landmarker.task")) as landmarker:
        points = landmarker.detect(picture)[0].points[:, :2].astype(np.float64)
        error, faces = landmark_percent(landmarker, points, picture)
        assert (error, faces) == (0.0, 1)
        error, _ = landmark_percent(landmarker, points + np.array([3.0, 4.0]), picture)
    assert error == pytest.approx(500 / np.linalg.norm(points[33] - points[263]), rel=1e-4)
