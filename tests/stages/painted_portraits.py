"""Fitted pictures of a synthetic head whose textures are known: a smooth mean and a few directions over the unwrapping."""

import numpy as np
import torch
from synthetic_head import synthetic_head

from headsmith.contract.labels import LABELS
from headsmith.contract.landmark_groups import CONVENTION, COUNT
from headsmith.heads.container import save_head
from headsmith.heads.model import HeadModel
from headsmith.maths.irradiance import irradiance
from headsmith.maths.rotations import axis_angle_to_matrix
from headsmith.mesh.rasterize import rasterize_mesh
from headsmith.mesh.shading import vertex_normals
from headsmith.stages.portraits_file import FittedPortrait, write_portrait
from headsmith.stages.portraits_fits import FitFacts, FitsManifest, write_fits_manifest
from headsmith.stages.portraits_manifest import PictureFacts, PreparedManifest, write_prepared_manifest
from headsmith.stages.portraits_prepared import PreparedPortrait, write_prepared

SIDE, FOCAL, AWAY = 128, 260.0, 0.4
HEAD = synthetic_head()
MODEL = HeadModel.from_container(HEAD, torch.float64)
RANK = 3


def mean_albedo(uv):
    u, v = uv[..., 0], uv[..., 1]
    return 0.45 + 0.1 * np.stack([np.sin(9 * u + 2 * v), np.cos(7 * v - 3 * u), np.sin(5 * (u + v) + 1)], -1)


def directions(uv):
    """Three of them, of falling size, not mirror images of themselves."""
    u, v = uv[..., 0], uv[..., 1]
    waves = (np.sin(6 * u + 1), np.cos(8 * v - u), np.sin(11 * (u - v)))
    tints = ((1.0, 0.9, 0.8), (0.3, 1.0, -0.5), (-0.6, 0.2, 1.0))
    return np.stack(
        [size * wave[..., None] * np.array(tint) for size, wave, tint in zip((0.09, 0.06, 0.04), waves, tints, strict=True)], -1
    )


def albedo_at(uv, codes):
    return mean_albedo(uv) + directions(uv) @ codes


def draw_fit(name, seed, turn=0.35):
    """The truth of a picture, as a fit would have it, and the codes of its texture."""
    random = np.random.default_rng(seed)
    angles = torch.from_numpy(random.uniform(-1, 1, 3) * turn * np.array([0.5, 1, 0.3]))
    light = np.zeros((9, 3))
    light[0], light[1:4] = random.uniform(3.2, 3.8), random.normal(0, 0.15, (3, 1))
    parts = {
        "identity": random.normal(0, 1, len(HEAD.identity)),
        "expression": np.zeros(len(HEAD.expression)),
        "eyelids": np.zeros(2),
        "jaw": np.zeros(3),
        "eyes": np.zeros((2, 3)),
        "neck": np.zeros(3),
        "rotation": np.diag([1.0, -1, -1]) @ axis_angle_to_matrix(angles).numpy(),
        "translation": np.array([0, 0, AWAY]),
        "principal": np.full(2, SIDE / 2),
    }
    fit = FittedPortrait(
        name=name,
        head_sha256=HEAD.sha256,
        texture_sha256="",
        camera="perspective",
        convention=CONVENTION,
        focal=FOCAL,
        size=SIDE,
        texture=np.zeros(0),
        offset=np.zeros((0, 0, 3), np.float32),
        colour=np.full(3, 0.5),
        light=light,
        landmark_error=1.0,
        psnr=30.0,
        **parts,
    )
    return fit, random.normal(0, 1, RANK)


def show(fit, codes):
    """The picture that goes with a fit, drawn pixel by pixel, and which triangle each pixel shows."""
    with torch.no_grad():
        vertices = fit.in_camera(MODEL(fit.parameters()).numpy())
    screen = fit.seen_at(vertices).astype(np.float32)
    faces, weights, _ = rasterize_mesh(screen, HEAD.faces, SIDE, SIDE, cull=True)
    on = faces >= 0
    uv = np.einsum("nc,ncd->nd", weights[on], HEAD.uv[HEAD.uv_faces[faces[on]]])
    normals = np.einsum("nc,ncd->nd", weights[on], vertex_normals(vertices, HEAD.faces)[HEAD.faces[faces[on]]])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    lit = albedo_at(uv, codes) * (irradiance(torch.from_numpy(normals)).numpy() @ fit.light)
    picture = np.full((SIDE, SIDE, 3), 30, np.uint8)
    picture[on] = (255 * lit).round().clip(0, 255)
    labels = np.where(on, LABELS.index("skin"), LABELS.index("background")).astype(np.uint8)
    prepared = PreparedPortrait(
        fit.name, picture, labels, np.zeros((COUNT, 2)), np.ones(COUNT), CONVENTION, np.eye(3), (SIDE, SIDE)
    )
    return prepared, faces


def write_row(folder, portrait, seeds):
    """A portrait with a fitted picture of each seed; returns the manifests of its prepared pictures and its fits."""
    facts = []
    for seed in seeds:
        fit, codes = draw_fit(f"p{seed}", seed)
        write_prepared(folder / portrait / "prepared", show(fit, codes)[0])
        write_portrait(folder / portrait / "fits" / f"p{seed}.npz", fit)
        facts.append(FitFacts.of(fit))
    manifest = folder / portrait / "fits.json"
    write_fits_manifest(manifest, FitsManifest(portrait, "each", HEAD.name, HEAD.sha256, tuple(facts), ()))
    ready = tuple(PictureFacts(one.name, f"{one.name}.png", None, (SIDE, SIDE)) for one in facts)
    write_prepared_manifest(folder / portrait / "prepared.json", PreparedManifest(portrait, "each", SIDE, ready, ()))
    return folder / portrait / "prepared.json", manifest


def write_head(folder):
    """The head's container."""
    save_head(HEAD, folder / "head.npz")
    return folder / "head.npz"
