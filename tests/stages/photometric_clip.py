"""A small clip of a painted head under a lamp, whose every pixel is known, and landmarks that shake."""

from dataclasses import replace

import numpy as np
import torch
from synthetic_head import COLUMNS, ROWS, synthetic_head

from headsmith.bridges.track import OK, Track
from headsmith.contract.labels import LABELS
from headsmith.contract.landmark_groups import CONVENTION
from headsmith.heads.container import load_head, save_head
from headsmith.heads.model import HeadModel
from headsmith.maths.cameras import project, to_camera
from headsmith.maths.harmonics import CONSTANT, harmonics
from headsmith.maths.rotations import axis_angle_to_matrix
from headsmith.media.frames import FrameFolderWriter
from headsmith.mesh.own_renderer import OwnRenderer
from headsmith.stages.photometric_views import smooth_normals

FRAMES, SIZE, FOCAL = 10, 96, 300.0
LIGHT = torch.zeros(9, 3)
LIGHT[0] = 0.8 / CONSTANT
LIGHT[1] = torch.tensor([0.15, 0.1, 0.05])
LIGHT[3] = -0.3
NAMES = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight")


def painted_head():
    """The synthetic head with a region on which pictures are compared."""
    return replace(synthetic_head(), regions={"face": np.arange(COLUMNS * ROWS, dtype=np.int32)})


def paint(uv):
    """The head's colours at texture coordinates: freckles and stripes of all directions, 0..1."""
    u, v = 40 * uv[..., 0], 40 * uv[..., 1]
    waves = [torch.sin(u + 0.6 * v), torch.sin(1.1 * v - 0.4 * u), torch.sin(0.7 * u) * torch.sin(0.8 * v)]
    return 0.55 + 0.2 * torch.stack(waves, -1)


def true_track(head):
    """A slow clip of the head."""
    time = np.arange(FRAMES)[:, None]
    wave = {name: np.sin(0.25 * time + np.arange(count)) for name, count in (("turn", 3), ("shift", 3), ("code", 6))}
    facing = np.diag([1.0, -1, -1])
    turn = axis_angle_to_matrix(torch.from_numpy(0.1 * wave["turn"])).numpy() @ facing
    return Track(
        ids=np.arange(FRAMES),
        identity=np.array([0.5, -0.5, 0.3, 0.2]),
        expression=0.4 + 0.2 * wave["code"],
        jaw=np.concatenate([0.1 + 0.05 * wave["turn"][:, :1], np.zeros((FRAMES, 2))], 1),
        eyes=np.zeros((FRAMES, 2, 3)),
        neck=np.zeros((FRAMES, 3)),
        eyelids=np.full((FRAMES, 2), 0.2),
        rotation=turn,
        translation=0.005 * wave["shift"] + [0, 0, 0.7],
        focal=FOCAL,
        principal=np.array([SIZE / 2, SIZE / 2]),
        size=(SIZE, SIZE),
        status=(OK,) * FRAMES,
        residual=np.zeros(FRAMES),
        head_sha256=head.sha256,
        convention=CONVENTION,
    )


def draw(track, model):
    """Pictures and label maps of a track: 3 x 3 samples a pixel."""
    head, fine = model.container, 3 * SIZE
    vertices, cameras = model(track.parameters()), track.cameras()
    seen, (pixels, _) = to_camera(vertices, cameras), project(vertices, cameras)
    faces = torch.from_numpy(head.faces)
    for place in range(len(track.ids)):
        normals = smooth_normals(seen[place], faces.long())
        screen = torch.cat([3 * pixels[place], seen[place][:, 2:]], -1)
        skin = torch.from_numpy(np.isin(np.arange(len(screen)), head.regions["face"])).double()[:, None]
        values = torch.cat([torch.from_numpy(head.uv).double(), normals, skin], -1)
        drawn = OwnRenderer().interpolate(screen[None], faces, values[None], (fine, fine))
        image = drawn.image[0]
        colours = paint(image[..., :2]) * (harmonics(torch.nn.functional.normalize(image[..., 2:5], dim=-1)) @ LIGHT.double())
        colours = torch.where(drawn.mask[0][..., None], colours, 0.1)
        picture = (255 * colours.clamp(0, 1)).reshape(SIZE, 3, SIZE, 3, 3).mean((1, 3)).round().numpy().astype(np.uint8)
        labels = np.where(image[1::3, 1::3, 5] > 0.99, LABELS.index("skin"), LABELS.index("background"))
        yield picture, labels.astype(np.uint8)


def shaking_points(track, model, size):
    """Where a detector that shakes sees all points: each frame shifted, and stretched from its middle, at random."""
    embedding = model.container.embeddings[CONVENTION]
    corners = model(track.parameters())[:, model.faces[torch.from_numpy(embedding.faces).long()]]
    points = (corners * torch.from_numpy(embedding.barycentrics).double()[..., None]).sum(-2)
    pixels = project(points, track.cameras())[0].numpy()
    random = np.random.default_rng(3)
    away = pixels - pixels.mean(1, keepdims=True)
    return pixels + random.normal(0, size, (FRAMES, 1, 2)) + away * random.normal(0, size / 30, (FRAMES, 1, 1))


def write_clip(folder, shake=0.8, bad=()):
    """Write a clip's inputs; return their paths by word, the true track and the model."""
    paths = {word: folder / f"{word}.{kind}" for word, kind in (("frames", "json"), ("parsing", "json"), ("landmarks", "npz"))}
    paths["head"] = folder / "head.npz"
    save_head(painted_head(), paths["head"])
    model = HeadModel.from_container(load_head(paths["head"]), torch.float64)
    track = true_track(model.container)
    with FrameFolderWriter(paths["frames"]) as frames, FrameFolderWriter(paths["parsing"], flat=True) as parsing:
        for place, (picture, labels) in enumerate(draw(track, model)):
            frames.add(place, picture)
            parsing.add(place, labels)
    points = shaking_points(track, model, shake)
    status = np.array(["no_face" if place in bad else "ok" for place in range(FRAMES)])
    seen = np.where(status[:, None, None] == "ok", np.concatenate([points, 0 * points[..., :1]], -1), np.nan)
    np.savez(
        paths["landmarks"],
        ids=np.arange(FRAMES),
        points=seen.astype(np.float32),
        blendshapes=np.zeros((FRAMES, len(NAMES)), np.float32),
        blendshape_names=np.array(NAMES),
        confidence=np.ones(FRAMES, np.float32),
        point_confidence=np.ones(points.shape[:2], np.float32),
        status=status,
        convention=np.array(CONVENTION),
    )
    return paths, track, model
