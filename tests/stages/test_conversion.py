"""The stage: a clip's tracking on another head, seen at the same place, with its distances told."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from synthetic_head import synthetic_head

from headsmith.bridges.track import Track, project_vertices
from headsmith.contract.errors import UserError
from headsmith.contract.settings import ConversionSettings
from headsmith.heads.container import load_head, save_head
from headsmith.heads.model import HeadModel
from headsmith.stages.conversion import convert_head

FRAMES, MISSING, UNCERTAIN = 70, 5, 9


def mixed(head):
    """The same head behind other codes, at another origin."""
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0]
    expression = np.einsum("jk,kvi->jvi", turn, head.expression).astype(np.float32)
    return replace(head, expression=expression, template=(head.template + np.float32([0.1, -0.2, 0.05])), name="mixed")


@pytest.fixture
def job(tmp_path):
    """The arguments of the stage, for a clip in which one frame was not tracked."""
    generator = np.random.default_rng(1)
    save_head(synthetic_head(), tmp_path / "source.npz")
    save_head(mixed(synthetic_head()), tmp_path / "target.npz")
    head = load_head(tmp_path / "source.npz")
    turn = np.tile(np.diag([1.0, -1, -1]), (FRAMES, 1, 1))
    rows = {
        "expression": 0.3 * generator.normal(size=(FRAMES, 6)),
        "jaw": 0.1 * generator.normal(size=(FRAMES, 3)),
        "eyes": 0.1 * generator.normal(size=(FRAMES, 2, 3)),
        "neck": np.zeros((FRAMES, 3)),
        "eyelids": generator.uniform(size=(FRAMES, 2)),
        "rotation": turn,
        "translation": np.tile([0.0, 0, 1], (FRAMES, 1)) + 0.01 * generator.normal(size=(FRAMES, 3)),
    }
    for values in rows.values():
        values[MISSING] = np.nan
    track = Track(
        ids=np.arange(FRAMES),
        identity=0.5 * generator.normal(size=4),
        **rows,
        focal=900.0,
        principal=np.array([256.0, 256.0]),
        size=(512, 512),
        status=tuple({MISSING: "missing", UNCERTAIN: "uncertain"}.get(frame, "ok") for frame in range(FRAMES)),
        residual=np.ones(FRAMES),
        head_sha256=head.sha256,
        convention="mediapipe478",
    )
    np.savez(tmp_path / "tracking.npz", **track.arrays())
    paths = {"source_head": "source.npz", "target_head": "target.npz", "tracking": "tracking.npz"}
    paths |= {"output": "out/other.npz", "summary": "out/other.json"}
    arguments = {name: tmp_path / path for name, path in paths.items()}
    return arguments | {"clip": "someone", "settings": ConversionSettings(to="flame2020", ridge=1e-10), "threads": 1}


def test_a_clip_is_seen_at_the_same_place_with_the_other_head(job, capsys):
    convert_head(**job)
    source, target = (HeadModel.load(job[name], torch.float64) for name in ("source_head", "target_head"))
    before, after = (Track.from_arrays(dict(np.load(job[name]))) for name in ("tracking", "output"))
    assert after.head_sha256 == target.sha256 != before.head_sha256
    assert after.status == before.status and after.focal == before.focal and np.isnan(after.residual).all()
    assert np.isnan(after.expression[MISSING]).all() and np.isnan(after.rotation[MISSING]).all()
    known = [frame for frame in range(FRAMES) if frame != MISSING]
    apart = project_vertices(before.take(known), source) - project_vertices(after.take(known), target)
    assert np.abs(apart).max() < 2e-3
    facts = json.loads(job["summary"].read_text())
    assert (facts["frames"], facts["frames_without_parameters"], facts["matched_by"]) == (FRAMES - 1, 1, "vertices")
    assert facts["at_rest"]["mean_mm"] < 1e-3 and facts["over_frames"]["max_mm"] < 1e-2
    assert "frames/s" in capsys.readouterr().err


def test_heads_too_far_apart_are_refused_with_the_worst_region(job):
    other = synthetic_head(seed=3)
    wide = replace(other, template=other.template * np.float32([1.5, 1, 1]), regions={"lips": np.arange(9, dtype=np.int32)})
    save_head(wide, job["target_head"])
    with pytest.raises(UserError, match=r"lie .* mm apart at rest .*worst: lips") as caught:
        convert_head(**{**job, "settings": ConversionSettings(to="flame2020", max_residual=0.5)})
    assert "conversion.max_residual" in caught.value.remedy and not job["output"].exists()


def test_the_same_head_and_another_s_tracking_are_refused(job):
    with pytest.raises(UserError, match="is tracked with synthetic already"):
        convert_head(**{**job, "target_head": job["source_head"]})
    with pytest.raises(UserError, match="another head"):
        convert_head(**{**job, "source_head": job["target_head"], "target_head": job["source_head"]})


def test_a_clip_without_parameters_is_refused(job):
    arrays = dict(np.load(job["tracking"]))
    np.savez(job["tracking"], **arrays | {"expression": np.full_like(arrays["expression"], np.nan)})
    with pytest.raises(UserError, match="no frame of the clip has parameters"):
        convert_head(**job)
