"""The clips of the benchmark: whose motion, which person, which camera, light and disturbance; and their true parameters."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.signal import savgol_filter
from truth_sources import ROOT  # noqa: F401  (puts src on the path)

from headsmith.bridges.track import OK, Track, project_vertices
from headsmith.contract.conventions import MEDIAPIPE478
from headsmith.heads.model import HeadModel
from headsmith.maths.rotations import axis_angle_to_matrix, matrix_from_6d, matrix_to_6d, matrix_to_axis_angle

FRAMES = 300
SIZE = 512
WINDOWS = {"pose": 9, "expression": 7, "jaw": 7, "eyes": 5, "eyelids": 5}
"""Frames of the filter of Savitzky and Golay 1964 (second degree) that the tracked motion is smoothed by: a quarter of a second
of 25 a second where the head turns, less where eyes and lids jump. Nine frames let through what is below 4.6 Hz (Schafer 2011,
*What is a Savitzky-Golay filter?*): heads hardly move faster, a detector's noise does."""
MARGIN = 1.35
"""Side of the picture as a multiple of the square that holds the face in all frames."""
DEVIATION_OF_GAIN = 0.2
"""Every unit of expression is played stronger or weaker than it was tracked, by a factor drawn for the clip."""
BLINK = (0.3, 0.85, 1.0, 0.95, 0.7, 0.4, 0.2, 0.07)
"""Lids over the frames of a blink at 25 a second: closed within 0.1 s, open again 0.2 s later, after the spontaneous blinks of
VanderWerf et al. 2003 (*Eyelid movements: behavioral studies of blinking in humans*, J Neurophysiol 89)."""
BETWEEN_BLINKS = (40, 110)
"""Fewest and most frames from one to the next. They are played over the tracked lids: tracking hardly ever closes them."""


@dataclass(frozen=True)
class Scene:
    """What a clip is made of.

    Attributes:
        motion: Source of the motion.
        first: First frame that is played.
        texture: Source of the texture.
        seed: Of the person, the gains of expression, the background and the noise.
        focal: Focal length in image sizes; the camera stands as far away as shows the whole face.
        turn: Factor on the head's turns away from their mean.
        play: Factor on the expression and the jaw: tracking pulls both towards rest.
        light: One of ``truth_render.LIGHTS``.
        skin: Factors on red, green and blue of the texture, in linear light.
        noise: Deviation of the pixels' noise, of 255.
        crf: Quality of H.264, 0 (lossless) to 51; 0 with ``jpeg``.
        jpeg: Quality of JPEG; None: H.264 instead.
        occluded: Whether a box moves over the face.
    """

    motion: str
    first: int
    texture: str
    seed: int
    focal: float
    turn: float = 1.0
    play: float = 1.3
    light: str = "even"
    skin: tuple[float, float, float] = (1.0, 1.0, 1.0)
    noise: float = 2.0
    crf: int = 18
    jpeg: int | None = None
    occluded: bool = False


SCENES: dict[str, Scene] = {
    "plain": Scene("franck", 0, "franck", 11, 3.2, play=1.5),
    "side_light": Scene("cap12", 0, "pexels", 12, 2.5, light="side"),
    "long_lens": Scene("franck_later", 0, "cap12", 13, 6.0, turn=1.5, play=1.8),
    "wide_lens": Scene("pexels", 0, "single_face", 14, 1.8, turn=1.3, light="above"),
    "turning": Scene("franck", 300, "pexels", 15, 3.0, turn=2.0, skin=(0.55, 0.48, 0.42)),
    "changing_light": Scene("pexels", 172, "franck", 16, 4.0, light="changing", skin=(1.2, 1.15, 1.1)),
    "noise": Scene("cap12", 300, "single_face", 17, 3.0, turn=1.3, noise=10.0, jpeg=40, light="dim"),
    "compression": Scene(
        "franck_later", 300, "cap12", 18, 4.5, turn=1.5, play=1.8, crf=36, light="above", skin=(0.8, 0.72, 0.66)
    ),
    "box": Scene("cap12", 150, "franck", 19, 3.8, occluded=True, light="side"),
    "box_turning": Scene("franck", 150, "single_face", 20, 2.5, turn=1.6, occluded=True, noise=4.0, crf=26),
}


def true_track(scene: Scene, source: Track, model: HeadModel) -> Track:
    """Return the true parameters of a clip: somebody else's motion, played by a person drawn from the model.

    Args:
        scene: What the clip is made of.
        source: Its source of motion.
        model: The head, float64.
    """
    random = np.random.default_rng(scene.seed)
    identity = draw_person(model, random)
    part = smooth(source.take(np.arange(scene.first, scene.first + FRAMES)))
    gains = scene.play * np.exp(DEVIATION_OF_GAIN * random.standard_normal(part.expression.shape[1]))
    units = set(model.container.expression_names) & set(ARKIT_LIKE)
    expression = part.expression * gains
    expression = expression.clip(0, 1) if units else expression
    rotation = amplify(part.rotation, scene.turn)
    unframed = replace(
        part,
        ids=np.arange(FRAMES),
        identity=identity,
        expression=expression,
        jaw=part.jaw * [scene.play, 1, 1],
        eyelids=np.maximum(part.eyelids.clip(0, 1), draw_blinks(len(part.ids), random)[:, None]),
        rotation=rotation,
        translation=place(scene, part, model) - rotation @ pivot_of(model),
        focal=scene.focal * SIZE,
        principal=np.array([SIZE, SIZE]) / 2,
        size=(SIZE, SIZE),
        status=(OK,) * FRAMES,
        residual=np.zeros(FRAMES),
    )
    return frame_face(unframed, model)


ARKIT_LIKE = ("browInnerUp", "mouthPucker")
"""Names by which units in 0..1 are told from a statistical model's codes."""


def draw_person(model: HeadModel, random: np.random.Generator) -> np.ndarray:
    """Return identity codes drawn from the model's prior, given that the outer eye corners are as far apart as the mean's.

    One camera cannot see how large a head is: the same pictures show one twice as large, twice as far away. So that distances
    in millimetres compare shapes, all people have the size that trackers assume. The condition is one linear equation in the
    codes, so the draw is a projection.
    """
    embedding = model.container.embeddings[MEDIAPIPE478.name].take(MEDIAPIPE478.outer_eye_corners)
    faces, weights = model.faces[torch.from_numpy(embedding.faces).long()], torch.from_numpy(embedding.barycentrics).double()
    right, left = (model.template[faces] * weights[..., None]).sum(1)
    moved = (model.identity[:, faces] * weights[..., None]).sum(2)
    across = ((moved[:, 1] - moved[:, 0]) @ (left - right)).numpy()
    codes = random.standard_normal(len(model.identity))
    return codes - across * (across @ codes) / (across @ across)


def frame_face(truth: Track, model: HeadModel) -> Track:
    """Return a clip whose face stays in the middle of the picture with some room around, as the stage frames cuts it."""
    face = model.at(torch.from_numpy(model.container.regions["face"].astype(np.int64)))
    for _ in range(3):
        pixels = project_vertices(truth, face).reshape(-1, 2)
        low, high = pixels.min(0), pixels.max(0)
        depth = (truth.rotation @ pivot_of(model) + truth.translation)[:, 2].mean()
        beside = ((low + high) / 2 - truth.principal) * depth / truth.focal
        farther = depth * (MARGIN * (high - low).max() / SIZE - 1)
        truth = replace(truth, translation=truth.translation + np.array([-beside[0], -beside[1], farther]))
    return truth


def draw_blinks(count: int, random: np.random.Generator) -> np.ndarray:
    """Return how far blinks close the lids in each frame, 0..1."""
    lids, place = np.zeros(count + len(BLINK)), int(random.integers(10, BETWEEN_BLINKS[0]))
    while place < count:
        lids[place : place + len(BLINK)] = BLINK
        place += int(random.integers(*BETWEEN_BLINKS))
    return lids[:count]


def pivot_of(model: HeadModel) -> np.ndarray:
    """Return the middle of the eyeballs: about which the head is turned when its turns are amplified."""
    return model.joints[3:5].mean(0).numpy()


def place(scene: Scene, part: Track, model: HeadModel) -> np.ndarray:
    """Return where the pivot is, ``(T, 3)``: as far away as another focal length asks for, its motion in depth as it was."""
    position = part.rotation @ pivot_of(model) + part.translation
    middle = position.mean(0)
    farther = scene.focal / (part.focal / part.size[0])
    return position - middle + middle * [1, 1, farther]


def smooth(part: Track) -> Track:
    """Return a clip without the jitter of its tracking."""

    def filtered(values: np.ndarray, kind: str) -> np.ndarray:
        return savgol_filter(values, WINDOWS[kind], 2, axis=0)

    rows = matrix_to_6d(torch.from_numpy(np.ascontiguousarray(part.rotation))).numpy()
    rotation = matrix_from_6d(torch.from_numpy(filtered(rows, "pose"))).numpy()
    codes = {name: filtered(getattr(part, name), name) for name in ("expression", "jaw", "eyes", "eyelids")}
    return replace(part, rotation=rotation, translation=filtered(part.translation, "pose"), **codes)


def amplify(rotation: np.ndarray, factor: float) -> np.ndarray:
    """Return rotations whose turns away from their mean are so many times as large."""
    turns = torch.from_numpy(np.ascontiguousarray(rotation))
    mean = matrix_from_6d(matrix_to_6d(turns).mean(0, keepdim=True))[0]
    return (axis_angle_to_matrix(factor * matrix_to_axis_angle(turns @ mean.T)) @ mean).numpy()
