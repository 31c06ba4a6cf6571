"""Portraits whose every parameter is known: people of a family of textures, each with a face, light and camera of their own.

Pictures are drawn by ``truth_render`` in linear light, with eyes, a background, shoulders and the sensor's noise, so that real
detectors and parsers work on them.
"""

from dataclasses import dataclass

import numpy as np
import torch
from portrait_family import DIRECTIONS, Family
from portrait_lights import draw_light, strength_of, waves_of
from truth_motion import SIZE, Scene
from truth_render import GAMMA, add_head, backdrop, draw_body, mix_paint

from headsmith.heads.model import HeadModel, HeadParameters
from headsmith.maths.rotations import axis_angle_to_matrix

FACE = 0.5
"""Height of the face in the picture."""


@dataclass(frozen=True)
class Person:
    """What is true of a portrait.

    Attributes:
        codes: Of the family of textures.
        parameters: Of the head.
        rotation: Head to camera.
        translation: Head to camera, metres.
        focal: Pixels.
        light: ``(9, 3)``, factors of ``portrait_lights.waves_of``, in linear light.
        seed: Of background, body and noise.
    """

    codes: np.ndarray
    parameters: HeadParameters
    rotation: np.ndarray
    translation: np.ndarray
    focal: float
    light: np.ndarray
    seed: int

    def seen(self, model: HeadModel) -> np.ndarray:
        """Return the vertices in the camera's axes."""
        with torch.no_grad():
            return model(self.parameters).numpy() @ self.rotation.T + self.translation

    def pixels(self, seen: np.ndarray) -> np.ndarray:
        """Return where points in the camera's axes are seen."""
        return self.focal * seen[:, :2] / seen[:, 2:] + SIZE / 2

    def shading(self, normals: np.ndarray) -> np.ndarray:
        """Return the light on unit normals in the camera's axes (y down, z away), as shown: a colour is albedo times this."""
        return np.maximum(waves_of(normals * [1, -1, -1]) @ self.light, 0.02) ** (1 / GAMMA)


def person_of(name: str, model: HeadModel) -> Person:
    """Return the person of a portrait; the name is the seed."""
    return draw_person(model, DIRECTIONS, int(name))


def draw_person(model: HeadModel, count: int, seed: int, turn: float = 1.0) -> Person:
    """Return a random person.

    Args:
        model: The head.
        count: Codes of the family of textures.
        seed: Of everything.
        turn: Factor on how far heads turn.
    """
    random, head = np.random.default_rng(seed), model.container
    identity = np.zeros(len(head.identity))
    known = min(40, len(identity))
    identity[:known] = random.normal(0, 0.9, known)
    expression = np.where(random.random(len(head.expression)) < 0.12, random.uniform(0, 0.5, len(head.expression)), 0)
    jaw = np.array([random.choice([0.0, 0.0, random.uniform(0.02, 0.15)]), 0, 0])
    parts = (identity, expression, jaw, np.zeros((2, 3)), np.zeros(2), np.zeros(3))
    parameters = HeadParameters(*(torch.from_numpy(np.asarray(part, np.float64)) for part in parts))
    angles = torch.from_numpy(turn * random.normal(0, 1, 3) * np.radians([7, 16, 5]))
    flip = np.diag([1.0, -1.0, -1.0])
    rotation = flip @ axis_angle_to_matrix(angles).numpy()
    focal = SIZE * random.uniform(1.3, 2.6)
    points = head.template[head.regions["face"]].astype(np.float64)
    tall = np.ptp(points[:, 1])
    away = focal * tall / (FACE * SIZE)
    middle = rotation @ points.mean(0)
    place = np.array([random.uniform(-0.02, 0.02), random.uniform(-0.02, 0.02), away])
    codes, light = random.normal(0, 1, count), draw_light(random, strength_of(seed))
    return Person(codes, parameters, rotation, place - middle, focal, light, seed)


def draw_picture(person: Person, family: Family) -> np.ndarray:
    """Return the picture, RGB, 0..255."""
    model = family.sheet.model
    scene = Scene(motion="", first=0, texture="", seed=person.seed, focal=0, noise=1.5)
    paint = mix_paint(scene, family.picture(person.codes), model)
    seen = person.seen(model)
    pixels, light = person.pixels(seen), person.light.astype(np.float32)
    picture = backdrop(person.seed)
    draw_body(picture, pixels[model.container.regions["boundary"]], scene, light)
    add_head(picture, pixels, seen, paint, model.container.faces, light)
    noise = scene.noise * np.random.default_rng(person.seed + 4000).standard_normal((SIZE, SIZE, 3))
    return (255 * picture.clip(0, 1) ** (1 / GAMMA) + noise).round().clip(0, 255).astype(np.uint8)
