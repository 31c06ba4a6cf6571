"""DECA's ``demo_reconstruct.py`` with its own options: ``headsmith-deca``, or ``python -m headsmith.commands.deca``.

The stages of portraits run one after the other in this process; what they need of the clone (the head, the parser, the
detector's files) is made once, by Snakemake. DECA's files go to the folder that ``-s`` names, with a table of them,
``portraits.json``.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from headsmith.commands.deca_resources import make_resources
from headsmith.contract.config import load_settings
from headsmith.contract.errors import UserError
from headsmith.contract.photometric import OWN, PYTORCH3D
from headsmith.contract.portraits import EACH, PERSONS, Portrait, check_method
from headsmith.contract.settings import Settings

HOUSE = Path(__file__).resolve().parents[3]
"""The clone."""
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
SAVES = {"vis": True, "kpt": False, "depth": False, "obj": False, "mat": False, "images": False}
"""What DECA saves unasked, by option without ``save``."""
RASTERIZERS = {"standard": OWN, OWN: OWN, PYTORCH3D: PYTORCH3D}
DETECTORS: dict[str, dict[str, str]] = {
    **{name: {"detector": name} for name in ("fan", "mediapipe", "mediapipe68", "dlib")},
    "mtcnn": {"detector": "fan", "faces": "mtcnn"},
}
"""DECA's names of detectors and ours; its ``mtcnn`` shows FAN where the face is."""
TABLE = "portraits.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status: 0, or 1 where the user has something to mend."""
    options = parser().parse_args(arguments)
    try:
        run(options)
    except UserError as error:
        print(f"headsmith-deca: {error.message}", file=sys.stderr)  # noqa: T201 (a program speaks to its user)
        return 1
    return 0


def program() -> None:
    """Run the program and end the process with its exit status."""
    sys.exit(main())


def parser() -> argparse.ArgumentParser:
    """Return what reads DECA's options, by its names."""
    reader = argparse.ArgumentParser("headsmith-deca", description="Reconstruct heads from pictures, with DECA's options.")
    add = reader.add_argument
    add("-i", "--inputpath", default="TestSamples/examples", help="a folder of pictures, a picture, a list (.txt), or a video")
    add("-s", "--savefolder", default="TestSamples/examples/results", help="the folder to write to")
    add("--device", default="cpu", help="cpu, cuda, or auto: cuda where it is there, else cpu")
    add("--iscrop", default=True, type=boolean, help="whether the face is cut out; false for pictures that are crops already")
    add("--sample_step", default=10, type=int, help="one frame of a video in so many is taken")
    add("--detector", choices=DETECTORS, help="who finds the face's points; unasked, as the settings say: mediapipe")
    add("--rasterizer_type", default="standard", choices=RASTERIZERS, help="standard needs no compiler here")
    add("--render_orig", default=True, type=boolean, help="whether results are also drawn over the whole picture")
    add("--useTex", default=False, type=boolean, help="whether the texture space that heads.texture names is used")
    add("--extractTex", default=True, type=boolean, help="whether the texture is taken from the picture")
    for name, unasked in SAVES.items():
        add(f"--save{name.capitalize()}", default=unasked, type=boolean, help=f"whether to write {name}")
    add("--person", default=EACH, choices=PERSONS, help="headsmith's own: one, where all pictures show one person")
    add("--set", default=[], action="append", metavar="SECTION.KEY=VALUE", help="headsmith's own: any other setting")
    return reader


def boolean(text: str) -> bool:
    """Return what DECA's texts for true and false mean.

    Raises:
        argparse.ArgumentTypeError: It is neither.
    """
    if text.lower() not in BOOLEANS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(BOOLEANS)}")
    return BOOLEANS[text.lower()]


def run(options: argparse.Namespace) -> None:
    """Make heads of the pictures.

    Raises:
        UserError: An option asks for what is not there, or no picture can be used.
    """
    settings = read_settings(options)
    source, target = Path(options.inputpath), Path(options.savefolder).resolve()
    portrait = Portrait("portraits", str(source.resolve()), options.person)
    if not source.exists():
        raise UserError("there is no such folder, picture, list or video", file=source, remedy="name one by -i")
    check_method(settings)
    check_device(settings, options.device)
    resources = make_resources(settings, HOUSE)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".headsmith-", dir=target) as folder:
        reconstruct(portrait, Path(folder), resources, settings)
        deliver(Path(folder), target)
    print(f"headsmith-deca: the results are in {target}")  # noqa: T201 (a program speaks to its user)


def read_settings(options: argparse.Namespace) -> Settings:
    """Return the clone's settings with what the options ask for.

    Raises:
        UserError: A setting is unknown, or a value is out of its range.
    """
    if not (HOUSE / "Snakefile").is_file():
        remedy = "clone headsmith and run `make setup` in the clone, or `pip install -e` it"
        raise UserError(f"{HOUSE} is no clone of headsmith, which this program needs", remedy=remedy)
    chosen: dict[str, Any] = {
        "crop": "face" if options.iscrop else "none",
        "sample_step": options.sample_step,
        "renderer": RASTERIZERS[options.rasterizer_type],
        "render_orig": options.render_orig,
        "use_texture": options.useTex,
        "extract_texture": options.extractTex,
        "camera": "weak",
        "save": [name for name in SAVES if getattr(options, f"save{name.capitalize()}")],
    }
    chosen |= DETECTORS.get(options.detector, {})
    if options.device != "auto":
        chosen["device"] = options.device
    layers = merged({"portraits": chosen}, read_sets(options.set))
    return load_settings(HOUSE / "config/default.yaml", HOUSE / "config/config.yaml", layers)


def read_sets(texts: Sequence[str]) -> dict[str, Any]:
    """Return settings given as ``section.key=value``, values as YAML has them.

    Raises:
        UserError: One is not of that form.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        section, dot, key = name.partition(".")
        if not (equals and dot and section and key):
            raise UserError(f"--set {text}: not of the form", remedy="write --set section.key=value, as in docs/config.md")
        found = merged(found, {section: {key: yaml.safe_load(value)}})
    return found


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return two layers of sections in one; the second counts."""
    return {**one, **{name: {**one.get(name, {}), **values} for name, values in other.items()}}


def check_device(settings: Settings, asked: str) -> None:
    """Accept the device, and say where the work is done.

    Raises:
        UserError: A GPU is asked for and not there.
    """
    from headsmith.stages.portraits_device import open_device

    if asked != "auto":
        open_device(asked)
    if settings.portraits.method == "fit" and asked not in ("cpu", "auto"):
        told = "the fit runs on the processor, seconds a picture; the GPU is for DECA's network (portraits.method: deca)"
        print(f"headsmith-deca: {told}", file=sys.stderr)  # noqa: T201 (a program speaks to its user)


def reconstruct(portrait: Portrait, folder: Path, resources: dict[str, Any], settings: Settings) -> None:
    """Run the stages; DECA's files are then in ``deca`` below the folder, their table is ``deca.json``.

    Raises:
        UserError: As the stages.
    """
    from headsmith.stages.portraits_prepare import prepare_portraits
    from headsmith.stages.portraits_write import write_portraits

    chosen, pictures = settings.portraits, Path(portrait.pictures)
    space = {"texture": Path(settings.heads.texture)} if chosen.use_texture else {}
    shared = {"portrait": portrait.name, "head": resources["head"], "settings": chosen, "threads": 1}
    prepared, fits = folder / "prepared.json", folder / "fits.json"
    prepare_portraits(
        portrait=portrait.name,
        person=portrait.person,
        pictures=pictures,
        landmarks=None,
        files=resources["files"],
        network=resources["network"],
        manifest=prepared,
        settings=chosen,
        parsing=settings.parsing,
        threads=1,
    )
    if chosen.method == "fit":
        from headsmith.stages.portraits_fit import fit_portraits

        fit_portraits(**shared | {"threads": 2}, **space, prepared=prepared, manifest=fits)
    else:
        from headsmith.stages.portraits_encode import encode_portraits

        encode_portraits(**shared, prepared=prepared, network=Path(chosen.network), manifest=fits)
    write_portraits(**shared, **space, pictures=pictures, prepared=prepared, fits=fits, manifest=folder / "deca.json")


def deliver(folder: Path, target: Path) -> None:
    """Move what was written to where it was asked for; files of the same name are replaced, others stay."""
    made = folder / "deca"
    for path in sorted(path for path in made.rglob("*") if path.is_file()):
        place = target / path.relative_to(made)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
    shutil.move(folder / "deca.json", target / TABLE)


if __name__ == "__main__":
    program()
