"""Pictures made ready by the stages' own detector and parser, and the skin of scikit-image's `astronaut` unwrapped from one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from skimage.data import astronaut
from truth_sources import DETECTOR, GRAPH, ROOT, asset

from headsmith.contract.networks import parsing_network
from headsmith.contract.paths import NETWORK
from headsmith.contract.settings import Settings
from headsmith.maths.harmonics import harmonics
from headsmith.media.images import encode_png
from headsmith.stages.networks import convert_network
from headsmith.stages.portraits_fitting import fit_portrait
from headsmith.stages.portraits_manifest import PreparedManifest, read_prepared_manifest
from headsmith.stages.portraits_prepare import prepare_portraits
from headsmith.stages.portraits_prepared import read_prepared
from headsmith.stages.texture_space_unwrap import Sheet, unwrap

SETTINGS = Settings()
ODD = (1, 4, 5)
"""Harmonics of degree 1 and 2 that change their sign with x: those of x, xy and xz."""


def prepare_pictures(pictures: Path, manifest: Path, threads: int) -> PreparedManifest:
    """Return which pictures of a folder detector and parser made ready; made once."""
    if not manifest.exists():
        graph, *shards = (asset(part) for part in GRAPH)
        network = ROOT / NETWORK.format(network=parsing_network(SETTINGS.parsing.network, SETTINGS.parsing.precision))
        if not network.exists():
            convert_network(network=network.stem, graph=graph, shards=shards, output=network)
        inputs = {"pictures": pictures, "landmarks": None, "files": {DETECTOR: asset(DETECTOR)}, "network": network}
        how = {"settings": SETTINGS.portraits, "parsing": SETTINGS.parsing, "threads": threads}
        prepare_portraits(portrait="truth", person="each", manifest=manifest, **inputs, **how)
    return read_prepared_manifest(manifest)


def unwrap_astronaut(cache: Path, sheet: Sheet, threads: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what NASA's portrait of Eileen Collins shows of the skin's texels, as lit, and how well: 0 where never."""
    manifest = cache / "astronaut.json"
    pictures = cache / "astronaut-picture"
    pictures.mkdir(parents=True, exist_ok=True)
    (pictures / "astronaut.png").write_bytes(encode_png(astronaut()))
    (name,) = prepare_pictures(pictures, manifest, threads).names
    part = read_prepared(manifest.with_suffix(""), name)
    (fit,) = fit_portrait([part], sheet.model, replace(SETTINGS.portraits, offset=False), threads=threads)
    found = unwrap(sheet, part, fit)
    return found.colours, found.weights


def sides_alike(textures: np.ndarray, sheet: Sheet, other: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return textures without the light of their rooms from one side.

    The two sides of a face have nearly one skin: what makes them differ smoothly with the normal is light. The logarithm of
    the ratio of each texture to its mirror image is described by the harmonics that change their sign, and half of that is
    divided out.

    Args:
        textures: ``(N, M, 3)``, whole.
        sheet: Theirs.
        other: The texel on the other side of each; -1: none.
        where: ``(M,)`` bool, texels that are looked at.
    """
    waves = harmonics(torch.from_numpy(sheet.normals().astype(np.float64))).numpy()[:, ODD]
    grey = np.log(np.maximum(textures.mean(2), 0.02))
    known = where & (other >= 0)
    results = []
    for one, own in zip(textures, grey, strict=True):
        odd = np.linalg.lstsq(waves[known], (own - own[other])[known] / 2, rcond=None)[0]
        results.append(one / np.exp(waves @ odd)[:, None])
    return np.stack(results).astype(np.float32)
