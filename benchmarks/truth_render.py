"""Pictures of a head whose every parameter is known: textured, lit, before a background, by our own rasterizer.

Colours are mixed and lit in linear light; each pixel is the mean of four. Light is a function of the normal in nine spherical
harmonics, as Ramamoorthi and Hanrahan 2001 (*An efficient representation for irradiance environment maps*, section 3) show to
be enough for matt surfaces. Irises are painted on the eyeballs, with the lamp's reflection.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numba import njit
from truth_motion import SIZE, Scene

from headsmith.bridges.track import Track
from headsmith.exports.surface import Surface
from headsmith.exports.texture_layout import lay_out
from headsmith.exports.texture_regions import COLOURS
from headsmith.heads.model import HeadModel
from headsmith.maths.cameras import project, to_camera
from headsmith.mesh.rasterize import rasterize_mesh
from headsmith.mesh.shading import vertex_normals

SAMPLES = 2
GAMMA = 2.2
IRIS_RADIUS, PUPIL_RADIUS = 0.0059, 0.0021
"""Metres, as the embedding's own renderings have them (``stages/heads_watch.py``)."""
IRIS_COLOURS = np.array([[0.10, 0.05, 0.02], [0.05, 0.10, 0.13], [0.06, 0.09, 0.04], [0.03, 0.018, 0.012]], np.float32)
DARK_INSIDE = 0.35
"""Share of the light that reaches teeth and tongue."""

LIGHTS: dict[str, tuple[tuple[float, ...], ...]] = {
    "even": ((0.75, 0.0, 0.12, 0.22, 0, 0, 0.02, 0, 0),),
    "side": ((0.62, 0.42, 0.1, 0.2, 0.05, 0, 0.02, 0.12, 0.03),),
    "above": ((0.62, -0.08, 0.38, 0.15, 0, 0.08, -0.02, 0, -0.06),),
    "dim": ((0.3, -0.1, 0.08, 0.12, 0, 0, 0, -0.03, 0),),
    "changing": ((0.62, 0.45, 0.1, 0.2, 0, 0, 0, 0.1, 0), (0.62, -0.45, 0.2, 0.2, 0, 0, 0, -0.1, 0)),
}
"""Factors of 1, x, y, z, xy, yz, 3 z^2 - 1, xz, x^2 - y^2 of the normal (x right, y up, z to the camera); of two, the light
goes from one to the other and back."""
TINTS = {"dim": (1.1, 0.95, 0.75), "side": (1.05, 1.0, 0.92), "changing": (0.95, 1.0, 1.06)}
TURNS_OF_LIGHT = 2


@dataclass(frozen=True)
class Paint:
    """What is painted on a head: fixed over a clip.

    Attributes:
        texture: Linear light.
        uv: Texture coordinates in texels.
        uv_faces: Triangles of them.
        kind: Of each triangle: 0 skin, 1 left eyeball, 2 right eyeball.
        rest: Vertices of the mean head less the middle of their eyeball, metres.
        lit: Share of the light that reaches each vertex.
        iris: Colour, linear light.
    """

    texture: np.ndarray
    uv: np.ndarray
    uv_faces: np.ndarray
    kind: np.ndarray
    rest: np.ndarray
    lit: np.ndarray
    iris: np.ndarray


def mix_paint(scene: Scene, texture: np.ndarray, model: HeadModel) -> Paint:
    """Return what a clip's head is painted with: eyes and the inside of the mouth are the same for all."""
    head, surface = model.container, Surface.of(model.container)
    rest, kind = head.template.copy(), np.zeros(len(head.faces), np.int8)
    for number, side in enumerate(("left", "right"), 1):
        ball = head.regions[f"{side}_eyeball"]
        rest[ball] -= head.template[ball].mean(0)
        kind[np.isin(head.faces, ball).all(1)] = number
    size = len(texture)
    linear = (texture / np.float32(255)) ** np.float32(GAMMA) * np.array(scene.skin, np.float32)
    lit = np.ones(len(rest), np.float32)
    texels = lay_out(surface, size)
    own = linear[texels.covered]
    for name in ("mouth_cavity", "tongue", "teeth", "upper_teeth", "lower_teeth"):
        if name in head.regions:
            ids = np.setdiff1d(head.regions[name], head.regions["lips"])
            own[np.isin(head.faces, head.regions[name]).all(1)[texels.faces]] = (np.array(COLOURS[name]) / 255) ** GAMMA
            lit[ids] = DARK_INSIDE if name != "mouth_cavity" else DARK_INSIDE**2
    linear[texels.covered] = own
    uv = (head.uv * [size, -size] + [0, size]).astype(np.float32)
    iris = IRIS_COLOURS[scene.seed % len(IRIS_COLOURS)]
    return Paint(np.ascontiguousarray(linear), uv, head.uv_faces, kind, rest.astype(np.float32), lit, iris)


@njit(cache=True, nogil=True, error_model="numpy")
def shade_samples(ids, weights, faces, uv_faces, uv, texture, kind, rest, lit, normals, light, lamp, iris, target):
    """Add the colour and the cover of every covered sample to its pixel."""
    size, samples = texture.shape[0], ids.shape[0] // target.shape[0]
    share = np.float32(1.0 / samples**2)
    n, p, waves = np.zeros(3, np.float32), np.zeros(3, np.float32), np.ones(9, np.float32)
    for row in range(ids.shape[0]):
        for column in range(ids.shape[1]):
            f = ids[row, column]
            if f < 0:
                continue
            n[:] = 0
            p[:] = 0
            u = v = shadow = np.float32(0)
            for c in range(3):
                w, i, t = weights[row, column, c], faces[f, c], uv_faces[f, c]
                shadow += w * lit[i]
                u += w * uv[t, 0]
                v += w * uv[t, 1]
                for a in range(3):
                    n[a] += w * normals[i, a]
                    p[a] += w * rest[i, a]
            length = max(np.sqrt(n[0] ** 2 + n[1] ** 2 + n[2] ** 2), 1e-6)
            x, y, z = n[0] / length, -n[1] / length, -n[2] / length
            shine = np.float32(0)
            if kind[f] == 0:
                u, v = u - 0.5, v - 0.5
                left, top = min(max(int(u), 0), size - 2), min(max(int(v), 0), size - 2)
                right_share, low_share = min(max(u - left, 0.0), 1.0), min(max(v - top, 0.0), 1.0)
                reflected = max(0.0, 2 * z * (x * lamp[0] + y * lamp[1] + z * lamp[2]) - lamp[2])
                shine = np.float32(0.02 * reflected**8)
            else:
                radius = np.sqrt(p[0] ** 2 + p[1] ** 2) if p[2] > 0 else 1.0
                reflected = max(0.0, 2 * z * (x * lamp[0] + y * lamp[1] + z * lamp[2]) - lamp[2])
                shine = np.float32(0.5 * reflected**60)
            waves[1], waves[2], waves[3], waves[4], waves[5] = x, y, z, x * y, y * z
            waves[6], waves[7], waves[8] = 3 * z * z - 1, x * z, x * x - y * y
            for b in range(3):
                if kind[f] == 0:
                    upper = texture[top, left, b] * (1 - right_share) + texture[top, left + 1, b] * right_share
                    lower = texture[top + 1, left, b] * (1 - right_share) + texture[top + 1, left + 1, b] * right_share
                    colour = upper * (1 - low_share) + lower * low_share
                else:
                    colour = eye_colour(radius, np.arctan2(p[1], p[0]), b, iris)
                sun = np.float32(0)
                for k in range(9):
                    sun += waves[k] * light[k, b]
                bright = max(sun, np.float32(0.02)) * shadow
                target[row // samples, column // samples, b] += share * (colour * bright + shine * shadow)
            target[row // samples, column // samples, 3] += share


@njit(cache=True, nogil=True, error_model="numpy")
def eye_colour(radius, angle, band, iris):
    """Return the colour of an eyeball so far from its axis, linear light."""
    white = 0.62 - 0.06 * band - 8.0 * radius
    if radius > IRIS_RADIUS * 1.06:
        return white
    part = radius / IRIS_RADIUS
    colour = iris[band] * (1.2 + 0.5 * np.sin(23 * angle) * np.sin(9 * angle + 1))
    if part > 0.8:
        colour *= 1 - 0.7 * min(1.0, (part - 0.8) / 0.2)
    if radius < PUPIL_RADIUS:
        return 0.004
    if part > 1:
        return colour + (white - colour) * (part - 1) / 0.06
    return colour


def light_at(scene: Scene, place: float) -> np.ndarray:
    """Return the light's factors ``(9, 3)`` at a place in the clip, 0..1."""
    given = np.array(LIGHTS[scene.light])
    share = (1 - np.cos(2 * np.pi * TURNS_OF_LIGHT * place)) / 2 if len(given) > 1 else 0.0
    grey = given[0] * (1 - share) + given[-1] * share
    return (grey[:, None] * np.array(TINTS.get(scene.light, (1, 1, 1)))).astype(np.float32)


def backdrop(seed: int, size: int = SIZE) -> np.ndarray:
    """Return a blurred room, linear light: noise at many scales, with edges of furniture."""
    random = np.random.default_rng(seed + 1000)
    picture = np.tile(random.uniform(0.08, 0.4) + random.uniform(-0.04, 0.04, 3), (size, size, 1)).astype(np.float32)
    for cells in (3, 6, 12, 24):
        coarse = random.normal(0, 0.02, (cells, cells, 3)) + random.normal(0, 0.12 / np.sqrt(cells), (cells, cells, 1))
        picture += cv2.resize(coarse.astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    for _ in range(7):
        corner, extent = random.integers(-60, size, 2), random.integers(30, 220, 2)
        colour = (random.uniform(0.02, 0.6) * random.uniform(0.6, 1.0, 3)).tolist()
        cv2.rectangle(picture, corner.tolist(), (corner + extent).tolist(), colour, -1)
    return cv2.GaussianBlur(picture, (0, 0), random.uniform(2, 7)).clip(0.01, 1)


def draw_body(picture: np.ndarray, ring: np.ndarray, scene: Scene, light: np.ndarray) -> None:
    """Draw shoulders below the rim of the neck, which is given in pixels."""
    random = np.random.default_rng(scene.seed + 2000)
    colour = (random.uniform(0.02, 0.4, 3) * light[0]).tolist()
    (left, top), (right, bottom) = ring.min(0), ring.max(0)
    wide, middle = right - left, (left + right) / 2
    down = np.array(
        [(-2.6, 2.4), (-2.2, 1.0), (-1.2, 0.55), (-0.46, 0.3), (0, 0.45), (0.46, 0.3), (1.2, 0.55), (2.2, 1.0), (2.6, 2.4)]
    )
    outline = np.stack([middle + down[:, 0] * wide, top + (bottom - top) * 0.3 + down[:, 1] * wide], 1)
    foot = [[outline[-1, 0], SIZE * 2], [outline[0, 0], SIZE * 2]]
    points = np.concatenate([outline, foot])
    cv2.fillPoly(picture, [(points * 16).round().astype(np.int32)], colour, cv2.LINE_AA, shift=4)


def draw_box(picture: np.ndarray, number: int, centre: np.ndarray, wide: float, seed: int) -> None:
    """Draw a striped box that crosses the face from one side to the other and back in 150 frames."""
    random = np.random.default_rng(seed + 3000)
    middle = centre + wide * np.array([1.6 * np.sin(2 * np.pi * number / 150 + 1.2), 0.35 * np.sin(2 * np.pi * number / 97)])
    half = wide * np.array([0.26, 0.34])
    for stripe in range(6):
        low, high = middle - half, middle + half
        low[1], high[1] = low[1] + stripe * half[1] / 3, low[1] + (stripe + 1) * half[1] / 3
        corners = (np.array([low, [high[0], low[1]], high, [low[0], high[1]]]) * 16).round().astype(np.int32)
        cv2.fillPoly(picture, [corners], random.uniform(0.03, 0.7, 3).tolist(), cv2.LINE_AA, shift=4)


def render(scene: Scene, truth: Track, model: HeadModel, texture: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the pictures of a clip, RGB, with the camera's noise, not yet compressed."""
    paint, plate = mix_paint(scene, texture, model), backdrop(scene.seed)
    random = np.random.default_rng(scene.seed + 4000)
    count = len(truth.ids)
    for number in range(count):
        frame = truth.take([number])
        with torch.no_grad():
            vertices, cameras = model(frame.parameters()), frame.cameras()
            seen, pixels = to_camera(vertices, cameras)[0].numpy(), project(vertices, cameras)[0][0].numpy()
        picture = plate.copy()
        light = light_at(scene, number / count)
        draw_body(picture, pixels[model.container.regions["boundary"]], scene, light)
        add_head(picture, pixels, seen, paint, model.container.faces, light)
        if scene.occluded:
            face = pixels[model.container.regions["face"]]
            draw_box(picture, number, face.mean(0), np.ptp(face[:, 0]), scene.seed)
        shown = 255 * picture.clip(0, 1) ** (1 / GAMMA) + scene.noise * random.standard_normal((SIZE, SIZE, 3))
        yield shown.round().clip(0, 255).astype(np.uint8)


def add_head(
    picture: np.ndarray, pixels: np.ndarray, seen: np.ndarray, paint: Paint, faces: np.ndarray, light: np.ndarray
) -> None:
    """Draw the head over a picture."""
    screen = np.concatenate([pixels * SAMPLES, seen[:, 2:]], 1).astype(np.float32)
    ids, weights, _ = rasterize_mesh(screen, faces, SIZE * SAMPLES, SIZE * SAMPLES, cull=True)
    layer = np.zeros((SIZE, SIZE, 4), np.float32)
    lamp = np.array([light[1].mean(), light[2].mean(), max(light[3].mean(), 0.05)])
    lamp = (lamp / np.linalg.norm(lamp)).astype(np.float32)
    normals = vertex_normals(seen, faces).astype(np.float32)
    given = (paint.uv_faces, paint.uv, paint.texture, paint.kind, paint.rest, paint.lit)
    shade_samples(ids, weights, faces, *given, normals, light, lamp, paint.iris, layer)
    picture *= 1 - layer[..., 3:]
    picture += layer[..., :3]
