"""The report of a clip: one page that opens without a network, with everything a person wants to see or must know."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from typing import Any

import cv2
import yaml

from headsmith.contract.errors import UserError
from headsmith.contract.settings import ReportSettings
from headsmith.media.atomic import atomic_folder, atomic_path
from headsmith.media.images import read_image
from headsmith.media.listing import read_listing
from headsmith.show.page import Chart, Media, Page, Table, print_page
from headsmith.show.page_lines import make_charts
from headsmith.show.page_scores import SCORE_NOTES, protocol_table, score_table
from headsmith.show.page_tables import left_out_table, read_json, timings_table, tracking_table, versions_table

Inputs = dict[str, Path | list[Path]]

JPEG_QUALITY = 88

PICTURE_NOTES = {
    "frames": "frames spread over the clip, in the crop that all stages share; the whole head stays inside.",
    "landmarks": "rings follow lids, lips and brows; a crossed-out frame has no usable face and is not used.",
    "matte": "the person over a checkerboard; squares inside the face or wall around the hair mean a bad matte.",
    "parsing": "one colour a label; look for skin on the wall, hair on the forehead, and lips that are all there.",
    "masks": "the head's edge follows the hair and ends at the collar, the mouth's edge holds both lips.",
    "tracking": "the head over the worst, median and best frames: eyes, nose, lips lie on the person's own; no curve jumps.",
    "training": "the loss falls; the PSNR of training frames and of held-out frames rises, the one not without the other.",
    "renders": "truth, render and difference in turn; bright edges are misplaced borders, bright areas wrong colours.",
}
"""What to look for in the picture of each stage."""

TRACKING_NOTE = (
    "Left: contours as detected, and green dots where the tracked head has them. Right: the tracked head over the frame. "
    "Above: the landmark error over the clip; grey frames have no landmarks, red ones do not fit, orange ones are in doubt."
)

SHOWN_NOTES = {
    "orbit": "the head at its median pose, seen from other sides; what falls apart is counted in red.",
    "expressions": "each expression by itself, from its lowest to its highest value; orange: further than the clip went.",
}
"""What to look for in the novel views; anything else is a reenactment."""

USES = (
    "An avatar is a person's likeness. Make and show one only of people who agreed to it, and say that it is synthetic.",
    "Each file above has terms of its own: some weights were trained on data for non-commercial research, and footage may be "
    "bound to research. What is made from them is bound by them too.",
)


def write_report(*, clip: str, inputs: Inputs, config: dict[str, Any], output: Path, settings: ReportSettings) -> None:
    """Write ``index.html`` and the folder ``media`` beside it.

    Args:
        clip: Name of the clip.
        inputs: By word: ``frames`` (manifest), ``landmarks`` (summary), ``tracking`` (summary), ``tracking_table``,
            ``tracking_video``, ``dataset``, ``assets`` (the list), and lists: ``curves``, ``videos``, ``scores``,
            ``score_tables``, ``pictures``, ``novel_views`` and ``reenactments`` (videos and sheets, where there are any),
            ``viewers`` (pages, where there are any), ``provenance`` (where there is one), ``benchmarks`` (Snakemake's, as far
            as there are any; their names are their stages').
        config: The whole configuration; its ``clip`` is the clip's line of the table.
        output: The page.
        settings: The page's title.

    Raises:
        UserError: An input is missing or broken.
    """
    scores = {path.stem: read_json(path, clip) for path in several(inputs, "scores")}
    frames = read_json(single(inputs, "frames"), clip)
    dataset = read_json(single(inputs, "dataset"), clip)
    tracking = read_json(single(inputs, "tracking"), clip)
    with atomic_folder(output.parent / "media") as folder:
        note = "truth · render · difference"
        videos = [copy_video(path, folder, f"variant {path.stem}", note) for path in several(inputs, "videos")]
        tracked = copy_video(single(inputs, "tracking_video"), folder, "tracking", TRACKING_NOTE)
        pictures = [copy_picture(path, folder, clip) for path in several(inputs, "pictures")]
        viewers = [copy_viewer(path, folder) for path in several(inputs, "viewers")]
        for path in several(inputs, "provenance"):
            copyfile(path, folder / path.name)
        shown = [copy_shown(path, folder, clip) for word in ("novel_views", "reenactments") for path in several(inputs, word)]
    page = Page(
        title=settings.title,
        clip=clip,
        summary=summarise(frames, dataset),
        tiles=tuple(make_tiles(scores, tracking)),
        videos=tuple(videos),
        tracked=tracked,
        tracking=tracking_table(tracking),
        scores=score_table(scores),
        score_notes=SCORE_NOTES,
        protocol=protocol_table(scores),
        charts=tuple(draw_charts(inputs, tracking)),
        pictures=tuple(pictures),
        shown=tuple(shown),
        viewers=tuple(viewers),
        left_out=left_out_table(frames, read_json(single(inputs, "landmarks"), clip), tracking, dataset, scores),
        timings=timings_table(several(inputs, "benchmarks")),
        versions=versions_table(),
        provenance="media/provenance.json" if "provenance" in inputs else "",
        assets=assets_table(single(inputs, "assets")),
        config=yaml.safe_dump(json.loads(json.dumps(config, default=str)), sort_keys=False, allow_unicode=True, width=100),
        uses=USES,
    )
    with atomic_path(output) as partial:
        partial.write_text(print_page(page), encoding="utf-8")


def draw_charts(inputs: Inputs, tracking: dict[str, Any]) -> Iterable[Chart]:
    """Return the charts; frames that tracking could not use are marked in its own."""
    marks = tuple(int(item["id"]) for item in tracking.get("not_ok", []))
    return make_charts(several(inputs, "score_tables"), several(inputs, "curves"), single(inputs, "tracking_table"), marks)


def single(inputs: Inputs, word: str) -> Path:
    """Return the one path of a word."""
    value = inputs[word]
    return Path(value[0] if isinstance(value, list) else value)


def several(inputs: Inputs, word: str) -> list[Path]:
    """Return the paths of a word, none where it is not given."""
    value = inputs.get(word, [])
    return [Path(path) for path in value] if isinstance(value, list) else [Path(value)]


def copy_video(path: Path, folder: Path, title: str, note: str, name: str = "") -> Media:
    """Copy a video into the report's folder, under its own name or another."""
    name = name or path.name
    try:
        (folder / name).write_bytes(path.read_bytes())
    except FileNotFoundError as error:
        raise UserError("the video is missing", file=path, remedy="run snakemake again: it is made anew") from error
    return Media(f"media/{name}", title, note)


def copy_shown(path: Path, folder: Path, clip: str) -> Media:
    """Copy a video or a sheet of novel views, or of a reenactment, which lies in its variant's folder."""
    kind, variant = path.parent.parent.name, path.parent.name
    moved = kind == "reenactment"
    note = "driver · avatar: the same expression, in the avatar's own manner." if moved else SHOWN_NOTES[path.stem]
    title, name = f"{'moved by ' if moved else ''}{path.stem}, variant {variant}", f"{kind}-{variant}-{path.stem}"
    if path.suffix == ".mp4":
        return copy_video(path, folder, title, note, f"{name}.mp4")
    return replace(copy_picture(path, folder, clip, name), title=title, note=note)


def copy_viewer(path: Path, folder: Path) -> Media:
    """Copy a viewer's page into the report's folder, so that it goes where the report goes."""
    copyfile(path, folder / f"viewer-{path.name}")
    return Media(f"media/viewer-{path.name}", path.stem, "")


def copy_picture(path: Path, folder: Path, clip: str, name: str = "") -> Media:
    """Put a quality picture into the report's folder, as JPEG: a tenth of the size."""
    name = name or path.stem
    image = read_image(path, clip=clip)
    _, content = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    (folder / f"{name}.jpg").write_bytes(content.tobytes())
    return Media(f"media/{name}.jpg", path.stem, PICTURE_NOTES.get(path.stem.partition("-")[0], ""))


def summarise(frames: dict[str, Any], dataset: dict[str, Any]) -> str:
    """Return what the clip is, in a line."""
    size, fps = frames["size"], frames.get("details", {}).get("fps")
    rate = f" at {fps:g} frames per second" if fps else ""
    split = f"{len(dataset['train'])} for training, {len(dataset['held_out'])} held out"
    return f"{frames['count']} frames of {size[0]}x{size[1]} pixels{rate}: {split}"


def make_tiles(scores: dict[str, dict[str, Any]], tracking: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield the few numbers that a person looks for first."""
    for variant, values in scores.items():
        if values.get("psnr_head") is not None:
            yield f"{values['psnr_head']:.2f} dB", f"head PSNR, {variant}"
    for values in list(scores.values())[:1]:
        if values.get("baseline_nearest_psnr_head") is not None:
            yield f"{values['baseline_nearest_psnr_head']:.2f} dB", "head PSNR, nearest training frame"
    if tracking.get("landmark_error_percent_iod") is not None:
        yield f"{tracking['landmark_error_percent_iod']:.2f} %", "tracking error, of the eye distance"


def assets_table(listing: Path) -> Table:
    """Return every asset with its licence and where it came from."""
    rows = [(item.name, item.what, item.licence, item.page, item.sha256[:16]) for item in read_listing(listing).values()]
    return Table(("file", "what", "licence", "page", "sha256 starts"), tuple(rows), numbers_from=99)
