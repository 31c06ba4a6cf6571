"""How far fitted portraits are from the truth, and how much of a known family of textures a texture space finds.

    python benchmarks/portrait_truth.py [--results results] [--count 100] [--measured 16] [--head resources/heads/anny.npz]

People of ten known directions of texture (``portrait_family.py``) are drawn with known faces, light and cameras
(``portrait_people.py``); the stages find and parse the faces, and ``fit_portrait`` fits them. Compared are albedo (on texels
that the picture shows; one gain a picture is free, because light and albedo share it), light (relative, over the normals that
are seen), and vertices of the face (mm, after the best similarity: a single picture tells no size), beside the landmarks alone
and a flat texture. Then a texture space is learned from all of them, and the share of the true textures' variance that lies in
its first ten components is taken, beside what true faces, light and cameras in place of the fits give.

Clips that the skins are unwrapped from are those of ``--results``, or are made from the fetched videos. Pictures and fits are
kept in the cache. Tables go to stdout; the last line is JSON.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from portrait_family import SIZE, Family, build_family
from portrait_lights import STRENGTHS, strength_of
from portrait_measures import measure_albedo, measure_light, measure_space, measure_vertices, true_portrait
from portrait_people import draw_picture, person_of
from portrait_skins import SETTINGS, prepare_pictures
from truth_sources import ROOT

from headsmith.heads.model import HeadModel
from headsmith.media.images import encode_png
from headsmith.stages.portraits_file import read_portrait, write_portrait
from headsmith.stages.portraits_fitting import fit_portrait
from headsmith.stages.portraits_prepared import PreparedPortrait, read_prepared
from headsmith.stages.texture_space_completion import METHODS
from headsmith.stages.texture_space_unwrap import Sheet

CACHE = ROOT / "benchmarks/out/portrait_truth"
KINDS = ("fitted", "landmarks")
CHOSEN_ON = 50
"""Constants of the fit were chosen on so many first portraits."""


def main() -> None:
    options = read_options()
    torch.set_num_threads(options.threads)
    model = HeadModel.load(options.head, torch.float64)
    family = build_family(options.results, options.cache, Sheet.of(model, SIZE), options.threads)
    prepared = prepare(options, model, family)
    fits = {"fitted": fit_all(prepared, options, model, "fitted"), "landmarks": {}}
    measured = {name: one for name, one in prepared.items() if int(name) < options.measured and name in fits["fitted"]}
    fits["landmarks"] = fit_all(measured, options, model, "landmarks")
    figures = measure(measured, fits, family)
    sheet = Sheet.of(model, options.size)
    kept = {name: one for name, one in prepared.items() if name in fits["fitted"]}
    truth = {name: true_portrait(one, person_of(name, model), model) for name, one in kept.items()}
    space = {"fitted": measure_space(sheet, family, kept, fits["fitted"], list(METHODS) if options.thorough else [])}
    space["true"] = measure_space(sheet, family, kept, truth, [])
    seconds = json.loads((options.cache / "seconds.json").read_text())
    figures["all"]["seconds_per_portrait"] = float(np.median(list(seconds.values())))
    tell(figures, space)
    (options.cache / "figures.json").write_text(json.dumps({"figures": figures, "space": space}, indent=1))
    print(json.dumps(report(figures, space)))


def read_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=ROOT / "results", help="folder of clips that are tracked and parsed")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where pictures and fits are kept")
    parser.add_argument("--head", type=Path, default=ROOT / "resources/heads/anny.npz", help="the head container")
    parser.add_argument("--count", type=int, default=100, help="portraits that are drawn")
    parser.add_argument("--learned", type=int, default=100, help="of them, the first that are fitted, for a shorter run")
    parser.add_argument("--measured", type=int, default=100, help="portraits of which albedo, light and vertices are compared")
    parser.add_argument("--size", type=int, default=512, help="side of the texture space")
    parser.add_argument("--thorough", action="store_true", help="also each way of completion, and each share of light")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def prepare(options: argparse.Namespace, model: HeadModel, family: Family) -> dict[str, PreparedPortrait]:
    """Return the portraits that detector and parser made ready, drawn where they are not there."""
    manifest = options.cache / f"prepared-{options.count}.json"
    if not manifest.exists():
        pictures = options.cache / f"pictures-{options.count}"
        pictures.mkdir(parents=True, exist_ok=True)
        for seed in range(options.count):
            (pictures / f"{seed:03d}.png").write_bytes(encode_png(draw_picture(person_of(f"{seed}", model), family)))
    found = prepare_pictures(options.cache / f"pictures-{options.count}", manifest, options.threads)
    for one in found.refused:
        print(f"{one.name} was refused: {one.reason}", file=sys.stderr)
    chosen = [name for name in found.names if int(name) < options.learned]
    return {name: read_prepared(manifest.with_suffix(""), name) for name in chosen}


def fit_all(prepared: dict[str, PreparedPortrait], options: argparse.Namespace, model: HeadModel, kind: str) -> dict:
    """Return the fits of portraits, each made once; seconds of each are kept."""
    settings = replace(SETTINGS.portraits, photometric=kind == "fitted")
    folder, clock, found = options.cache / kind, options.cache / "seconds.json", {}
    folder.mkdir(parents=True, exist_ok=True)
    seconds = json.loads(clock.read_text()) if clock.exists() else {}
    for name, one in prepared.items():
        path = folder / f"{name}.npz"
        if not path.exists():
            began = time.perf_counter()
            (fit,) = fit_portrait([one], model, settings, threads=options.threads)
            if kind == "fitted":
                seconds[name] = time.perf_counter() - began
                clock.write_text(json.dumps(seconds))
                print(f"{name}: {seconds[name]:.1f} s, {fit.psnr:.1f} dB", file=sys.stderr, flush=True)
            write_portrait(path, fit)
        found[name] = read_portrait(path, model.container)
    return found


def measure(prepared: dict[str, PreparedPortrait], fits: dict, family: Family) -> dict[str, dict[str, float]]:
    """Return means over the portraits: of all, and of the half that no constant was chosen on, by strength of the light."""
    rows, model = {}, family.sheet.model
    for name, one in prepared.items():
        person = person_of(name, model)
        row = measure_albedo(one, fits["fitted"][name], person, family) | measure_light(fits["fitted"][name], person, model)
        rows[name] = row | {f"vertices_{kind}": measure_vertices(fits[kind][name], person, model) for kind in KINDS}
    groups = {"all": list(rows), "held_out": [name for name in rows if held_out(name)]}
    groups |= {kind: [name for name in groups["held_out"] if strength_of(int(name)) == kind] for kind in STRENGTHS}
    return {group: means([rows[name] for name in names]) for group, names in groups.items() if names}


def held_out(name: str) -> bool:
    """Return whether a portrait is of the second half, on which no constant of the fit was chosen."""
    return int(name) >= CHOSEN_ON


def means(rows: list[dict[str, float]]) -> dict[str, float]:
    """Return the means of columns."""
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}


def tell(figures: dict[str, dict[str, float]], space: dict[str, dict]) -> None:
    """Print what was found."""
    print(f"{'':32} " + "".join(f"{group:>10}" for group in figures))
    for key in figures["all"]:
        print(f"{key:32} " + "".join(f"{row.get(key, np.nan):10.3f}" for row in figures.values()))
    for kind, found in space.items():
        print(f"texture space, {kind} faces, cameras and light:")
        for key, value in found.items():
            print(f"  {key:30} {value:10.3f}" if isinstance(value, float) else f"  {key:30} {value:>10}")


def report(groups: dict[str, dict[str, float]], space: dict[str, dict]) -> dict[str, float]:
    """Return the last line, of all portraits."""
    figures = groups["all"]
    return {
        "albedo_psnr": figures["albedo_psnr"],
        "vertex_error_mm": figures["vertices_fitted"],
        "vertex_error_ratio_to_landmarks": figures["vertices_fitted"] / figures["vertices_landmarks"],
        "texture_variance_recovered": space["fitted"]["recovered"],
        "seconds_per_portrait": figures["seconds_per_portrait"],
    }


if __name__ == "__main__":
    main()
