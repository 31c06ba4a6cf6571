"""The picture of a training: how its loss fell and how near its renders came, of frames that it saw and of others."""

from pathlib import Path

import numpy as np

from headsmith.contract.settings import QualitySettings
from headsmith.show.curves import Plot, draw_plots
from headsmith.show.page_lines import Columns, read_columns
from headsmith.show.sheets import headed_sheet
from headsmith.stages.quality_parts import Picture

WIDTH = 1400
NAMES = {"psnr": "training frames", "held_out_psnr": "held-out frames"}
"""What the columns of the curve's PSNR are called."""


def show_training(clip: str, picture: str, inputs: dict[str, Path], settings: QualitySettings) -> Picture:
    """Draw the training curve: the loss, and the head's PSNR over the images shown."""
    columns = read_columns(inputs["curve"])
    x = numbers(columns, "images")
    lines = {told: numbers(columns, name) for name, told in NAMES.items()}
    known = {told: values for told, values in lines.items() if np.isfinite(values).any()}
    plots = [Plot("Loss", "training images", "mean since the point before", x, {"loss": numbers(columns, "loss")})]
    if known:
        plots.append(Plot("Head PSNR", "training images", "dB", x, known))
    note = (
        "The loss falls fast, then slowly. The PSNR is of the same few frames each time: where training frames still rise and "
        "held-out frames no longer do, more training does not help, more varied video does."
    )
    return headed_sheet([draw_plots(plots, WIDTH)], title=f"{clip}: training, variant {picture.partition('-')[2]}", note=note)


def numbers(columns: Columns, name: str) -> np.ndarray:
    """Return a column, NaN where it has no number."""
    return np.array([np.nan if value is None else value for value in columns[name]], np.float64)
