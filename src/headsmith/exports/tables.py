"""A clip's tracking as a table, one row a frame: CSV for anything, Parquet for data frames."""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy import ndarray

MILLI: Final = 1000.0
AXES: Final = ("x", "y", "z")


def clip_table(
    arrays: dict[str, ndarray], names: tuple[str, ...], angles: Float[ndarray, "T 3"], times: Float[ndarray, " T"]
) -> pd.DataFrame:
    """Return the table of a clip; a frame without parameters has empty cells.

    Args:
        arrays: As ``tracking.npz`` has them.
        names: Of the expression codes.
        angles: Yaw, pitch and roll of each frame, degrees.
        times: Of each frame, seconds.
    """
    columns: dict[str, ndarray] = {"frame": arrays["ids"], "time_s": times, "status": arrays["status"]}
    columns["residual_percent"] = arrays["residual"]
    columns |= dict(zip(("yaw_deg", "pitch_deg", "roll_deg"), angles.T, strict=True))
    columns |= dict(zip(("x_mm", "y_mm", "z_mm"), arrays["translation"].T * MILLI, strict=True))
    joints = {"neck": arrays["neck"], "jaw": arrays["jaw"], "left_eye": arrays["eyes"][:, 0], "right_eye": arrays["eyes"][:, 1]}
    for joint, turns in joints.items():
        columns |= {f"{joint}_{axis}_deg": np.rad2deg(turn) for axis, turn in zip(AXES, turns.T, strict=True)}
    columns |= dict(zip(("left_eyelid", "right_eyelid"), arrays["eyelids"].T, strict=True))
    columns |= {f"expression_{name}": codes for name, codes in zip(names, arrays["expression"].T, strict=True)}
    columns |= {f"rotation_{row}{column}": arrays["rotation"][:, row, column] for row in range(3) for column in range(3)}
    still = {"focal_px": arrays["focal"], "width_px": arrays["size"][0], "height_px": arrays["size"][1]}
    still |= {f"principal_{axis}_px": place for axis, place in zip(AXES, arrays["principal"], strict=False)}
    columns |= {name: np.full(len(times), value) for name, value in still.items()}
    return pd.DataFrame(columns)


def identity_table(identity: Float[ndarray, " K"]) -> pd.DataFrame:
    """Return the table of the person: one row an identity code, in standard deviations."""
    return pd.DataFrame({"code": np.arange(len(identity)), "value": identity})


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV: numbers exact for 32 bits, empty cells for what is not there."""
    table.to_csv(path, index=False, float_format="%.9g", lineterminator="\n")


def write_parquet(path: Path, table: pd.DataFrame, about: dict[str, str]) -> None:
    """Write a table as Parquet; ``about`` comes back as ``pandas.read_parquet(path).attrs``."""
    table.attrs = dict(about)
    table.to_parquet(path, engine="pyarrow", index=False)
