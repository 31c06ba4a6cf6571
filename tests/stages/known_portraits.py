"""Portraits of a small painted head whose shape, camera, colours and light are known, and what a detector would say of them."""

from dataclasses import replace

import numpy as np
import torch
from synthetic_head import COLUMNS, ROWS, synthetic_head

from headsmith.contract.conventions import IBUG68_FROM_MEDIAPIPE
from headsmith.contract.labels import LABELS
from headsmith.contract.landmark_groups import CONVENTION
from headsmith.contract.settings import PortraitsSettings
from headsmith.heads.embedding_types import Embedding
from headsmith.heads.model import HeadModel
from headsmith.maths.irradiance import irradiance
from headsmith.maths.rotations import axis_angle_to_matrix
from headsmith.mesh.own_renderer import OwnRenderer
from headsmith.mesh.shading import vertex_normals
from headsmith.stages.portraits_file import FittedPortrait
from headsmith.stages.portraits_prepared import PreparedPortrait

SIZE, FOCAL = 96, 330.0
FEW = {"camera": 5.0, "coarse": 12.0, "middle": 12.0, "fine": 15.0}
SETTINGS = PortraitsSettings(size=SIZE, offset_size=64, iterations=FEW, sides=dict.fromkeys(FEW, 0.5) | {"fine": 1.0})
COLOUR = np.array([0.7, 0.5, 0.4])


def known_head():
    """The synthetic head with a face, and the 68 points beside the 478."""
    head = replace(synthetic_head(), regions={"face": np.arange(COLUMNS * ROWS, dtype=np.int32)})
    points, whole = np.array([row[0] for row in IBUG68_FROM_MEDIAPIPE]), head.embeddings[CONVENTION]
    some = Embedding(np.arange(68, dtype=np.int32), whole.faces[points], whole.barycentrics[points])
    return head.with_embedding("ibug68", some)


def known_model(kind=torch.float32):
    """It, ready to be driven."""
    return HeadModel.from_container(known_head(), kind)


def known_light(direction=(-0.5, -0.3, -0.8), strength=0.45):
    """Even light and a lamp far away in a direction, of the camera's axes: 9 x 3."""
    light = np.zeros((9, 3))
    light[0], light[1:4] = 2.9, strength * np.array(direction)[:, None]
    return light


def known_portrait(model, name="ada", *, seed=0, camera="perspective", light=None, turn=(0.1, 0.25, 0.05), identity=None):
    """The truth of a picture."""
    rng, head = np.random.default_rng(seed), model.container
    codes = np.array([0.9, -0.8, 0.7, -0.5]) if identity is None else identity
    facing = axis_angle_to_matrix(torch.tensor(turn, dtype=torch.float64)).numpy() @ np.diag([1.0, -1, -1])
    weak = camera == "weak"
    place = np.array([0.004, -0.006, 100.0 if weak else 0.9])
    return FittedPortrait(
        name=name,
        head_sha256=model.sha256,
        texture_sha256="",
        camera=camera,
        convention=CONVENTION,
        identity=codes,
        expression=rng.uniform(0, 0.5, len(head.expression)),
        **{"eyelids": np.full(2, 0.1), "jaw": np.array([0.08, 0, 0]), "eyes": np.zeros((2, 3)), "neck": np.zeros(3)},
        **{"rotation": facing, "translation": place, "focal": FOCAL / 0.9 if weak else FOCAL},
        **{"principal": np.full(2, SIZE / 2), "size": SIZE, "texture": np.zeros(0)},
        **{"offset": np.zeros((0, 0, 3), np.float32), "colour": COLOUR},
        **{"light": known_light() if light is None else light, "landmark_error": 0.0, "psnr": 99.0},
    )


def plain(uv):
    """One colour."""
    return np.broadcast_to(COLOUR, (*uv.shape[:-1], 3))


def spotted(uv):
    """The colour with wide spots, brighter and darker by a sixth."""
    waves = np.sin(14 * uv[..., 0]) * np.sin(11 * uv[..., 1] + 0.5)
    return COLOUR * (1 + 0.16 * waves[..., None])


def draw(truth, model, albedo=plain):
    """The picture, 3 x 3 samples a pixel, and its labels."""
    head, fine = model.container, 3 * truth.size
    seen = truth.in_camera(model.to(torch.float64)(truth.parameters()).numpy())
    screen = truth.seen_at(seen) * [3, 3, 1]
    face = np.isin(np.arange(len(seen)), head.regions["face"])[:, None]
    values = np.concatenate([head.uv, vertex_normals(seen, head.faces), face], 1)
    parts = (torch.from_numpy(part)[None] for part in (screen, values))
    drawn = OwnRenderer().interpolate(next(parts), torch.from_numpy(head.faces).long(), next(parts), (fine, fine))
    image, mask = drawn.image[0].numpy(), drawn.mask[0].numpy()
    normals = image[..., 2:5] / np.linalg.norm(image[..., 2:5], axis=-1, keepdims=True).clip(1e-6)
    colours = albedo(image[..., :2]) * (irradiance(torch.from_numpy(normals)).numpy() @ truth.light)
    whole = np.where(mask[..., None], colours, 0.1).clip(0, 1).reshape(truth.size, 3, truth.size, 3, 3).mean((1, 3))
    labels = np.where(image[1::3, 1::3, 5] > 0.99, LABELS.index("skin"), LABELS.index("background"))
    return (255 * whole).round().astype(np.uint8), labels.astype(np.uint8)


def landmarks(truth, model, convention=CONVENTION):
    """Where the landmarks are seen."""
    embedding = model.container.embeddings[convention]
    seen = truth.seen_at(truth.in_camera(model.to(torch.float64)(truth.parameters()).numpy()))[:, :2]
    return np.einsum("mc,mcd->md", embedding.barycentrics, seen[model.container.faces[embedding.faces]])


def landmarks_in_camera(truth, model, convention=CONVENTION):
    """Where the landmarks are, in the camera's axes, metres."""
    embedding = model.container.embeddings[convention]
    seen = truth.in_camera(model.to(torch.float64)(truth.parameters()).numpy())
    return np.einsum("mc,mcd->md", embedding.barycentrics, seen[model.container.faces[embedding.faces]])


def prepared(truth, model, *, albedo=plain, noise=0.0, convention=CONVENTION, seed=7):
    """What the stage before the fit would say of the picture; landmarks err by so many pixels, as detectors do: smoothly."""
    picture, labels = draw(truth, model, albedo)
    points, rng = landmarks(truth, model, convention), np.random.default_rng(seed)
    waves = sum(np.sin(points @ rng.normal(size=(2, 2)) / 15 + rng.uniform(0, 6, 2)) for _ in range(3))
    count = len(points)
    return PreparedPortrait(
        truth.name, picture, labels, points + noise * waves, np.ones(count), convention, np.eye(3), (SIZE, SIZE)
    )


def angle(one, other):
    """Degrees between two rotations."""
    return float(np.degrees(np.arccos(np.clip((np.trace(one @ other.T) - 1) / 2, -1, 1))))
