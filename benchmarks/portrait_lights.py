"""Lights of rooms for portraits: mild, medium and strong ones, as factors of nine waves of the normal, in linear light.

Waves are 1, x, y, z, xy, yz, 3 z^2 - 1, xz, x^2 - y^2 of the normal (x right, y up, z to the camera), as ``truth_render`` draws
them. How strong a light is, is how many times brighter one cheek is than the other.
"""

from collections.abc import Callable

import numpy as np

CHEEKS = np.array([[0.6, 0.0, 0.8], [-0.6, 0.0, 0.8]])
"""Normals of the cheeks of a face that looks into the camera."""
RATIOS = {"medium": (1.5, 2.5), "strong": (3.0, 7.0)}
"""How many times brighter one cheek is, in linear light; as shown, 1.2 to 1.5 times and 1.6 to 2.4 times."""
STRENGTHS = ("mild", *RATIOS)
LEAST = 0.03
"""Light that falls on every normal towards the camera."""
MOST = 1.8
"""Light on the brightest normal: cameras are set so that little skin is clipped."""
COLOURED = 0.5
"""Share of the one-sided lights whose lamp has another colour than the room."""


def waves_of(normals: np.ndarray) -> np.ndarray:
    """Return the nine waves of unit normals."""
    x, y, z = normals.T
    return np.stack([np.ones_like(x), x, y, z, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], 1)


def strength_of(seed: int) -> str:
    """Return how strong the light of a portrait is."""
    return STRENGTHS[seed % len(STRENGTHS)]


def draw_light(random: np.random.Generator, strength: str) -> np.ndarray:
    """Return a light ``(9, 3)``."""
    return draw_mild(random) if strength == "mild" else draw_lamp(random, *RATIOS[strength])


def draw_mild(random: np.random.Generator) -> np.ndarray:
    """Return a room's light: from before the face, from a side or above, warm or cold."""
    grey = np.zeros(9)
    grey[0] = random.uniform(0.45, 0.7)
    grey[1], grey[2], grey[3] = random.normal(0, 0.14), random.uniform(-0.02, 0.25), random.uniform(0.12, 0.28)
    grey[4:] = random.normal(0, 0.03, 5)
    warmth = random.normal(0, 0.04)
    return grey[:, None] * np.array([1 + warmth, 1.0, 1 - warmth])


def draw_lamp(random: np.random.Generator, least: float, most: float) -> np.ndarray:
    """Return the light of a room and of a lamp at one side, which makes a cheek so many times brighter than the other."""
    ratio, side = random.uniform(least, most), random.choice([-1.0, 1.0])

    def one() -> np.ndarray | None:
        across, up = side * np.radians(random.uniform(35, 85)), np.radians(random.uniform(0, 45))
        lamp = lamp_waves(np.array([np.sin(across) * np.cos(up), np.sin(up), np.cos(across) * np.cos(up)]))
        room = np.array([1.0, 0, random.uniform(0, 0.25), 0, 0, 0, 0, 0, 0])
        bright, dark = np.sort(waves_of(CHEEKS) @ lamp)[::-1]
        share = (bright - ratio * dark) / (ratio - 1)
        return np.stack([share * room, lamp]) if least_of(share * room + lamp) > LEAST else None

    room, lamp = first(one)
    warmth = random.normal(0, 0.12) if random.random() < COLOURED else 0.0
    tint = np.array([warmth, 0.0, -warmth])
    light = lamp[:, None] * (1 + tint) + room[:, None] * (1 - tint)
    values = waves_of(front()) @ light
    return light * min(random.uniform(0.6, 0.85) / values[:, 1].mean(), MOST / values.max())


def lamp_waves(direction: np.ndarray) -> np.ndarray:
    """Return the light of a lamp far away: 1/4 + c/2 + 5/32 (3 c^2 - 1), where c is the cosine to its direction.

    That is what degrees 0 to 2 tell of a matt surface's max(c, 0) (Ramamoorthi and Hanrahan 2001, equations 7 and 8).
    """
    x, y, z = direction
    second = np.array([0, 0, 0, 0, 6 * x * y, 6 * y * z, (3 * z * z - 1) / 2, 6 * x * z, 1.5 * (x * x - y * y)])
    return np.array([0.25, x / 2, y / 2, z / 2, 0, 0, 0, 0, 0]) + 5 / 32 * second


def first(draw: Callable[[], np.ndarray | None]) -> np.ndarray:
    """Return the first drawing that may be."""
    while (found := draw()) is None:
        pass
    return found


def front() -> np.ndarray:
    """Return unit normals, evenly over those that look at the camera."""
    rows = np.arange(400) + 0.5
    z, turn = 1 - rows / 400, np.pi * (1 + 5**0.5) * rows
    flat = np.sqrt(1 - z * z)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), z], 1)


def least_of(light: np.ndarray) -> float:
    """Return the least light on the normals that look at the camera, over their mean."""
    values = waves_of(front()) @ light
    return float(values.min() / values.mean())
