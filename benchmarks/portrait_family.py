"""A family of people whose textures are known: skin unwrapped from real pictures, mixed along ten directions.

The skins of four clips and of one photograph (``portrait_skins.unwrap_astronaut``) are unwrapped by our tools where the parser
says skin, what light their smooth shading shows is taken out, and the textures are brought to one tone. The family is their
mean plus ten directions: how the skins differ, how their mirror images do, two tones, and the lips. Hair is painted on the
scalp, the same for all; the ten directions stop there.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from portrait_skins import sides_alike, unwrap_astronaut
from scipy.spatial import cKDTree
from truth_sources import ROOT, cut_head_masks, prepare_source, read_track, source_track

from headsmith.contract.labels import LABELS
from headsmith.exports.texture_bake import View, bake
from headsmith.media.frames import iterate_frames
from headsmith.stages.exports_frames import usable
from headsmith.stages.exports_views import seen_vertices, spread_places
from headsmith.stages.texture_space_light import align_light
from headsmith.stages.texture_space_mirror import counterparts, extend
from headsmith.stages.texture_space_unwrap import SEEN_LABELS, Sheet

SIZE = 1024
PHOTOGRAPH = "astronaut"
SOURCES = ("franck", "cap12", "pexels", "single_face", PHOTOGRAPH)
VIEWS = 16
DIRECTIONS = 10
TONES = ((1.0, 1.0, 1.0), (0.35, -0.1, -0.3))
"""Lighter or darker, and redder or yellower, by colour."""
TONE_SIZE = 0.06
SHARE = 0.6
"""Size of the directions, of how the clips differ."""
FEATHER = 0.012
"""Metres over which the family goes over into the hair."""
HAIR = np.array([0.16, 0.11, 0.08])


@dataclass(frozen=True)
class Family:
    """Textures by ten codes.

    Attributes:
        sheet: Where they are laid out.
        mean: Of each texel, 0..1 as shown.
        directions: Change by one standard deviation of each code.
        skin: Which texels the family is about, 0..1.
    """

    sheet: Sheet
    mean: np.ndarray
    directions: np.ndarray
    skin: np.ndarray

    def texture(self, codes: np.ndarray) -> np.ndarray:
        """Return the colours of the texels, 0..1."""
        return (self.mean + self.directions @ codes).clip(0.02, 0.98).astype(np.float32)

    def picture(self, codes: np.ndarray) -> np.ndarray:
        """Return the texture as a picture, RGB, 0..255."""
        return 255 * self.sheet.texels.picture(self.texture(codes))


def source_folder(name: str, results: Path | None, cache: Path, threads: int) -> tuple[Path, Path]:
    """Return a clip's folder with frames and parsing, and its tracking: those of a run, or made here from the fetched video."""
    if results is not None and (results / name / "tracking.npz").exists():
        return results / name, results / name / "tracking.npz"
    head = ROOT / "resources/heads/anny.npz"
    folder = prepare_source(name, cache, threads)
    source_track(name, cache, head, threads)
    cut_head_masks(name, folder, threads)
    return folder, folder / f"motion-{head.stem}.npz"


def unwrap_clip(folder: Path, tracking: Path, sheet: Sheet) -> tuple[np.ndarray, np.ndarray]:
    """Return what a clip shows of the skin's texels, 0..1, and how well: 0 where never."""
    tracked, frames = read_track(tracking), folder / "frames.json"
    places = spread_places(tracked, usable(tracked, folder.name), VIEWS)
    ids = [int(tracked.ids[place]) for place in places]
    wanted = [LABELS.index(name) for name in SEEN_LABELS]

    def views():
        pictures = iterate_frames(frames, folder.name, ids=ids, verify=False)
        labels = iterate_frames(folder / "parsing.json", folder.name, ids=ids, grey=True, verify=False)
        for place, (_, picture), (_, label) in zip(places, pictures, labels, strict=True):
            yield View(picture, np.isin(label, wanted), *seen_vertices(tracked.take([place]), sheet.model))

    colours, weights = bake(sheet.texels, sheet.surface.faces, views)
    return colours / 255, weights


def build_family(results: Path | None, cache: Path, sheet: Sheet, threads: int) -> Family:
    """Return the family."""
    found = {}
    for name in SOURCES:
        path = cache / f"skin-{name}-{SIZE}.npz"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            if name == PHOTOGRAPH:
                colours, weights = unwrap_astronaut(cache, sheet, threads)
            else:
                colours, weights = unwrap_clip(*source_folder(name, results, cache, threads), sheet)
            np.savez_compressed(path, colours=colours.astype(np.float32), weights=weights)
        with np.load(path) as content:
            found[name] = (content["colours"], content["weights"])
    return mix(np.stack([one[0] for one in found.values()]), np.stack([one[1] for one in found.values()]), sheet)


def mix(colours: np.ndarray, weights: np.ndarray, sheet: Sheet) -> Family:
    """Return the family of some unwrapped skins."""
    weights = np.where(weights > 0.02, np.minimum(weights, 1), 0).astype(np.float32)
    colours = align_light(colours.astype(np.float32), weights, sheet.normals())
    full = np.stack([extend(sheet, one, weight) for one, weight in zip(colours, weights, strict=True)])
    points = sheet.texels.spread(sheet.head.template, sheet.surface.faces)
    skin, other = skin_of(sheet, points), counterparts(sheet)
    full = sides_alike(full, sheet, other, skin > 0.5)
    centre = full[:, skin > 0.5].mean((0, 1))
    full = full * (centre / full[:, skin > 0.5].mean(1))[:, None]
    mirrored = np.where((other >= 0)[:, None], full[:, other], full)
    mean = full.mean(0)
    apart = [one - mean for one in full[:-1]] + [one - other_one for one, other_one in zip(mirrored, full, strict=True)]
    tones = [TONE_SIZE * mean / mean.mean() * np.array(tone) for tone in TONES]
    tones.append(tones[1] * 1.5 * near(sheet, points, "lips", 0.004)[:, None])
    directions = principal(np.stack(apart), skin, DIRECTIONS - len(tones))
    directions = np.concatenate([directions, np.stack(tones, -1)], -1) * skin[:, None, None]
    mean = mean * skin[:, None] + HAIR * (1 - skin[:, None])
    return Family(sheet, mean.astype(np.float32), directions.astype(np.float32), skin)


def principal(apart: np.ndarray, skin: np.ndarray, count: int) -> np.ndarray:
    """Return orthogonal directions of some differences, each of their mean size."""
    flat = (apart * skin[:, None]).reshape(len(apart), -1).astype(np.float64)
    _, singular, right = np.linalg.svd(flat, full_matrices=False)
    size = SHARE * np.sqrt(np.square(flat).sum(1).mean() / count)
    scale = size * np.linspace(1.3, 0.7, count)
    assert singular[count - 1] > 0
    return (right[:count] * scale[:, None]).reshape(count, -1, 3).transpose(1, 2, 0)


def skin_of(sheet: Sheet, points: np.ndarray) -> np.ndarray:
    """Return where the face is and not the scalp, 1, going over into 0."""
    return 1 - near(sheet, points, "scalp", FEATHER)


def near(sheet: Sheet, points: np.ndarray, region: str, width: float) -> np.ndarray:
    """Return 1 where texels lie in a region of the head, 0 where they are farther from it than a width in metres."""
    inside = np.zeros(len(sheet.head.template), bool)
    inside[sheet.head.regions[region]] = True
    away = cKDTree(sheet.head.template[inside]).query(points, workers=1)[0]
    whole = inside[sheet.surface.faces].all(1)[sheet.texels.faces]
    return np.where(whole, 1, np.clip(1 - away / width, 0, 1)).astype(np.float32)
