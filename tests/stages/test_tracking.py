import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from synthetic_head import synthetic_head

from headsmith.contract.conventions import IBUG68
from headsmith.contract.errors import UserError
from headsmith.contract.landmark_groups import CONVENTION, FACE_OVAL
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.container import load_head, save_head
from headsmith.heads.embedding_ibug import embed_ibug
from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.cameras import Camera, project
from headsmith.maths.rotations import axis_angle_to_matrix
from headsmith.media.frames import FrameFolderWriter
from headsmith.stages.tracking import track_head
from headsmith.stages.tracking_output import head_angles

FRAMES, SIZE, FOCAL = 24, 128, 380.0
NO_FACE, GARBAGE, LEAP = 6, 12, 18
NAMES = ("jawOpen", "unit0", "unit1", "eyeBlinkLeft", "eyeBlinkRight")
SETTINGS = TrackingSettings(iterations=15, noise=0.5, max_bad=0.2, max_residual=5.0)
FACING = np.diag([1.0, -1, -1])


def true_motion():
    """Parameters of a slow clip."""
    time = np.arange(FRAMES)[:, None]
    wave = {name: np.sin(0.15 * time + np.arange(n)) for name, n in (("turn", 3), ("shift", 3), ("expression", 6), ("lid", 2))}
    turn = axis_angle_to_matrix(torch.from_numpy(0.1 * wave["turn"])) @ torch.from_numpy(FACING)
    shift = torch.from_numpy(0.01 * wave["shift"] + [0, 0, 0.7])
    jaw = torch.zeros(FRAMES, 3).double()
    jaw[:, 0] = torch.from_numpy(0.1 + 0.08 * np.sin(0.3 * time[:, 0]))
    codes = HeadParameters(
        identity=torch.tensor([0.5, -0.5, 0.3, 0.2]).double().expand(FRAMES, -1),
        expression=torch.from_numpy(0.4 + 0.2 * wave["expression"]),
        jaw=jaw,
        eyes=torch.zeros(FRAMES, 2, 3).double(),
        eyelids=torch.from_numpy(0.3 + 0.2 * wave["lid"]),
        neck=torch.zeros(FRAMES, 3).double(),
    )
    return turn, shift, codes


def true_points(container, convention=CONVENTION):
    """Where a detector would see all points."""
    turn, shift, codes = true_motion()
    model, embedding = HeadModel.from_container(container, torch.float64), container.embeddings[convention]
    corners = model(codes)[:, model.faces[torch.from_numpy(embedding.faces).long()]]
    points = (corners * torch.from_numpy(embedding.barycentrics)[..., None]).sum(-2)
    two = torch.ones(FRAMES, 2).double()
    return project(points, Camera(turn, shift, FOCAL * two, SIZE / 2 * two, (SIZE, SIZE)))[0].numpy()


@pytest.fixture
def clip(tmp_path):
    """All arguments of the stage."""
    outputs = {"output": tmp_path / "tracking.npz", "summary": tmp_path / "tracking.json", "table": tmp_path / "tracking.csv"}
    inputs = {"frames": tmp_path / "frames.json", "landmarks": tmp_path / "landmarks.npz", "head": tmp_path / "head.npz"}
    save_head(synthetic_head(), inputs["head"])
    write_landmarks(inputs["landmarks"], true_points(load_head(inputs["head"])))
    with FrameFolderWriter(inputs["frames"]) as writer:
        for frame_id in range(FRAMES):
            writer.add(frame_id, np.zeros((SIZE, SIZE, 3), np.uint8))
    return {"clip": "someone", "settings": SETTINGS, "threads": 1, **inputs, **outputs}


def write_landmarks(path, points, bad=(), **changes):
    status = np.array(["no_face" if t in bad else "ok" for t in range(len(points))])
    seen = np.where(status[:, None, None] == "ok", np.concatenate([points, 0 * points[..., :1]], -1), np.nan)
    arrays = {
        "ids": np.arange(len(points)),
        "points": seen.astype(np.float32),
        "blendshapes": np.full((len(points), len(NAMES)), 0.3, np.float32),
        "blendshape_names": np.array(NAMES),
        "confidence": np.ones(len(points), np.float32),
        "point_confidence": np.ones(points.shape[:2], np.float32),
        "status": status,
        "convention": np.array(CONVENTION),
    }
    np.savez(path, **{**arrays, **changes})


def read(clip):
    with np.load(clip["output"]) as content:
        return dict(content), json.loads(clip["summary"].read_text()), list(csv.DictReader(clip["table"].open()))


def test_a_clip_is_tracked(clip):
    track_head(**clip)
    arrays, summary, rows = read(clip)
    turn, shift, codes = true_motion()
    assert summary["landmark_error_percent_iod"] < 0.3
    assert summary["counts"] == {"ok": FRAMES, "missing": 0, "outlier": 0, "uncertain": 0}
    angles = head_angles(torch.from_numpy(arrays["rotation"]).double()) - head_angles(turn)
    assert angles.abs().max() < 2
    assert arrays["focal"] == pytest.approx(FOCAL, rel=0.15)
    assert np.abs(arrays["translation"] / arrays["focal"] - shift.numpy() / FOCAL)[:, 2].max() < 1e-4
    assert np.abs(arrays["jaw"][:, 0] - codes.jaw[:, 0].numpy()).max() < 0.05
    assert len(rows) == FRAMES and float(rows[3]["residual_percent"]) == pytest.approx(float(arrays["residual"][3]), abs=1e-4)


def test_the_file_is_as_documented(clip):
    track_head(**clip)
    arrays, _, _ = read(clip)
    shapes = {
        **{"ids": (FRAMES,), "identity": (4,), "expression": (FRAMES, 6), "jaw": (FRAMES, 3), "eyes": (FRAMES, 2, 3)},
        **{"neck": (FRAMES, 3), "eyelids": (FRAMES, 2), "rotation": (FRAMES, 3, 3), "translation": (FRAMES, 3)},
        **{"focal": (), "principal": (2,), "size": (2,), "status": (FRAMES,), "residual": (FRAMES,)},
        **{"head_sha256": (), "convention": ()},
        **{"deviation": (FRAMES,), "parameter_deviation": (FRAMES, 6 + 2 + 9 + 6), "identity_deviation": (4,)},
        **{"focal_deviation": ()},
    }
    assert {name: value.shape for name, value in arrays.items()} == shapes
    assert str(arrays["head_sha256"]) == load_head(clip["head"]).sha256
    assert arrays["principal"].tolist() == [SIZE / 2, SIZE / 2]


def test_the_parameters_put_the_mesh_where_the_error_says(clip):
    """The written arrays, through the head and the camera alone, give the reported error."""
    track_head(**clip)
    arrays, summary, _ = read(clip)
    container = load_head(clip["head"])
    model, embedding = HeadModel.from_container(container, torch.float64), container.embeddings[CONVENTION]
    parts = {name: torch.from_numpy(arrays[name]).double() for name in ("expression", "jaw", "eyes", "eyelids", "neck")}
    identity = torch.from_numpy(arrays["identity"]).double().expand(FRAMES, -1)
    corners = model(HeadParameters(identity=identity, **parts))[:, model.faces[torch.from_numpy(embedding.faces).long()]]
    points = (corners * torch.from_numpy(embedding.barycentrics)[..., None]).sum(-2)
    two = torch.ones(FRAMES, 2).double()
    pose = [torch.from_numpy(arrays[name]).double() for name in ("rotation", "translation")]
    pixels = project(points, Camera(*pose, float(arrays["focal"]) * two, SIZE / 2 * two, (SIZE, SIZE)))[0]
    distance = (pixels - torch.from_numpy(true_points(container))).norm(dim=-1).numpy()
    inner = ~np.isin(embedding.points, FACE_OVAL)
    worst = 100 * distance[:, inner].mean(1) / summary["eye_distance_pixels"]
    assert np.abs(worst - arrays["residual"]).max() < 0.1


def test_bad_frames_are_bridged_and_marked(clip):
    points = true_points(load_head(clip["head"]))
    generator = np.random.default_rng(0)
    points[GARBAGE] += generator.normal(size=points[GARBAGE].shape) * 8
    points[LEAP] += 45
    write_landmarks(clip["landmarks"], points, bad=(NO_FACE,))
    track_head(**clip)
    arrays, summary, rows = read(clip)
    assert {t: s for t, s in enumerate(arrays["status"].tolist()) if s != "ok"} == {
        NO_FACE: "missing",
        GARBAGE: "outlier",
        LEAP: "outlier",
    }
    assert [item["id"] for item in summary["not_ok"]] == [NO_FACE, GARBAGE, LEAP]
    assert rows[NO_FACE]["reason"] == "no_face" and rows[LEAP]["reason"] == "leap" and "error of" in rows[GARBAGE]["reason"]
    angles = head_angles(torch.from_numpy(arrays["rotation"]).double()) - head_angles(true_motion()[0])
    assert angles[[NO_FACE, GARBAGE, LEAP]].abs().max() < 2
    assert np.isnan(arrays["residual"][[NO_FACE, LEAP]]).all() and arrays["residual"][GARBAGE] > SETTINGS.max_residual
    assert np.isfinite(arrays["translation"]).all() and np.isfinite(arrays["expression"]).all()


def test_the_result_does_not_depend_on_threads(clip):
    clip["settings"] = replace(SETTINGS, iterations=3)
    contents = []
    for threads in (1, 2):
        track_head(**{**clip, "threads": threads})
        contents.append(clip["output"].read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.parametrize("bad", [range(6), range(FRAMES)])
def test_too_many_frames_without_a_face(clip, bad):
    write_landmarks(clip["landmarks"], true_points(load_head(clip["head"])), bad=bad)
    with pytest.raises(UserError) as caught:
        track_head(**clip)
    assert caught.value.clip == "someone" and caught.value.remedy
    assert not clip["output"].exists() and not clip["summary"].exists()


def test_too_many_outliers(clip):
    points = true_points(load_head(clip["head"]))
    points[::3] += 8 * np.random.default_rng(0).normal(size=points[::3].shape)
    write_landmarks(clip["landmarks"], points)
    with pytest.raises(UserError, match="cannot be tracked"):
        track_head(**clip)


def test_a_head_without_the_landmarks_convention_names_both(clip):
    write_landmarks(clip["landmarks"], true_points(load_head(clip["head"]))[:, :68], convention=np.array("ibug68"))
    with pytest.raises(UserError, match=f"ibug68.*synthetic.*{CONVENTION}"):
        track_head(**clip)


@pytest.mark.parametrize(
    ("convention", "fault"), [("dlib68", "unknown convention, 'dlib68'"), ("ibug68", "68 points, but have 478")]
)
def test_a_convention_that_the_points_are_not_of(clip, convention, fault):
    write_landmarks(clip["landmarks"], true_points(load_head(clip["head"])), convention=np.array(convention))
    with pytest.raises(UserError, match=fault) as caught:
        track_head(**clip)
    assert caught.value.file == str(clip["landmarks"])


@pytest.fixture
def clip_of_68(clip):
    """The same clip, seen by a detector of 68 points without depth and without blendshapes."""
    head = load_head(clip["head"])
    mapped = embed_ibug(head.embeddings[CONVENTION], head.template.astype(float), head.faces, np.arange(len(head.faces)))
    save_head(head.with_embedding(IBUG68.name, mapped), clip["head"])
    write_68(clip)
    return clip


def write_68(clip, points=None, **changes):
    points = true_points(load_head(clip["head"]), IBUG68.name) if points is None else points
    blank = {"blendshapes": np.zeros((FRAMES, 0), np.float32), "blendshape_names": np.array([], np.str_)}
    write_landmarks(clip["landmarks"], points, **blank, convention=np.array(IBUG68.name), **changes)
    with np.load(clip["landmarks"]) as content:
        arrays = dict(content)
    arrays["points"][..., 2] = np.nan
    np.savez(clip["landmarks"], **arrays)


def test_a_clip_of_68_points_is_tracked(clip_of_68):
    track_head(**clip_of_68)
    arrays, summary, _ = read(clip_of_68)
    turn = true_motion()[0]
    assert summary["convention"] == arrays["convention"] == "ibug68"
    assert summary["landmarks"] == 68 and summary["counts"]["ok"] == FRAMES
    assert set(summary["landmark_error_percent_iod_by_part"]) == set(IBUG68.parts)
    assert summary["landmark_error_percent_iod"] < 0.3
    angles = head_angles(torch.from_numpy(arrays["rotation"]).double()) - head_angles(turn)
    assert angles.abs().max() < 3
    assert arrays["residual"].shape == (FRAMES,) and np.isfinite(arrays["residual"]).all()


def test_points_that_the_detector_doubts_count_less(clip_of_68):
    points = true_points(load_head(clip_of_68["head"]), IBUG68.name)
    points[:, 48:] += (6, 0)
    sure = np.ones((FRAMES, 68), np.float32)
    errors = []
    for trust in (1.0, 0.0):
        sure[:, 48:] = trust
        write_68(clip_of_68, points, point_confidence=sure)
        track_head(**{**clip_of_68, "settings": replace(SETTINGS, max_residual=50.0)})
        errors.append(read(clip_of_68)[1]["landmark_error_percent_iod_by_part"]["nose"])
    assert errors[1] < 0.5 < errors[0], errors


def test_landmarks_of_other_frames_are_refused(clip):
    write_landmarks(clip["landmarks"], true_points(load_head(clip["head"]))[:-1])
    with pytest.raises(UserError, match="do not belong together"):
        track_head(**clip)


def test_a_broken_file_is_told(clip):
    clip["landmarks"].write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(UserError, match="cannot be read"):
        track_head(**clip)


def test_angles_have_the_subjects_signs():
    """A face that looks to its left (+x of the head, right in the image), and down."""
    turn = axis_angle_to_matrix(torch.tensor([[0, 0.3, 0], [0.2, 0, 0], [0, 0, 0.1]]).double())
    angles = head_angles(torch.from_numpy(FACING) @ turn)
    assert torch.allclose(angles, torch.rad2deg(torch.tensor([[0.3, 0, 0], [0, 0.2, 0], [0, 0, 0.1]]).double()))
