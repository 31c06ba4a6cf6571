"""Jitter of other trackers, filtered away without a delay.

The filter is a windowed sinc (``scipy.signal.firwin``): symmetric, so it delays nothing, and it leaves what changes at a
constant speed as it is. Rotations are averaged in the tangent space of their own mean (Moakher, Means and averaging in the
group of rotations, SIAM J. Matrix Anal. 24(1), 2002, section 3), so a constant turn stays as it is, however far it goes.
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from scipy import signal

from headsmith.bridges.track import OK, Track
from headsmith.maths.rotations import axis_angle_to_matrix, matrix_to_axis_angle

TRANSITION = 3.3
"""Length of a Hamming-windowed filter over (rate / width of its transition); Oppenheim and Schafer, table 7.2. The transition
is as wide as the passband."""
ROUNDS = 4
"""Steps to the mean of rotations: it is reached to 1e-12 for jitter of a few degrees."""


def runs_of(track: Track) -> list[slice]:
    """Return the runs of frames that follow each other and are ``ok``, as places in the clip."""
    good = np.array([status == OK for status in track.status])
    starts = [i for i in np.flatnonzero(good) if i == 0 or not good[i - 1] or track.ids[i] != track.ids[i - 1] + 1]
    ends = [i for i in np.flatnonzero(good) if i + 1 == len(good) or not good[i + 1] or track.ids[i + 1] != track.ids[i] + 1]
    return [slice(int(start), int(end) + 1) for start, end in zip(starts, ends, strict=True)]


def smooth_track(track: Track, hertz: float, fps: float) -> Track:
    """Return the clip with pose, expression, jaw, eyes and eyelids filtered, each run of good frames by itself.

    Args:
        track: The clip.
        hertz: Where the filter passes half of the amplitude; nothing is done from half the frame rate on.
        fps: Frames a second.
    """
    if hertz <= 0 or hertz >= fps / 2:
        return track
    names = ("expression", "jaw", "eyes", "eyelids", "translation", "rotation")
    values = {name: getattr(track, name).copy() for name in names}
    for run in runs_of(track):
        taps = low_pass(hertz, fps, run.stop - run.start)
        for name in names:
            smooth = smooth_turns if name == "rotation" else smooth_values
            values[name][run] = smooth(values[name][run], taps)
    return replace(track, **{**values, "eyelids": values["eyelids"].clip(0, 1)})


def low_pass(hertz: float, fps: float, length: int) -> Float[ndarray, " n"]:
    """Return the weights of the filter, an odd number that sums to 1; short runs get a shorter one.

    Args:
        hertz: Where it passes half of the amplitude.
        fps: Frames a second.
        length: Frames of the run.
    """
    half = min(int(np.ceil(TRANSITION * fps / hertz / 2)), length - 1)
    return signal.firwin(2 * half + 1, hertz, fs=fps) if half > 0 else np.ones(1)


def smooth_values(values: Float[ndarray, "T *n"], taps: Float[ndarray, " n"]) -> Float[ndarray, "T *n"]:
    """Return values filtered along time; beyond its ends a run goes on as its mirror image through the end.

    Args:
        values: A run of frames.
        taps: Weights; half of them are fewer than the frames.
    """
    half = len(taps) // 2
    before, after = 2 * values[:1] - values[half:0:-1], 2 * values[-1:] - values[-2 : -half - 2 : -1]
    longer = np.concatenate([before, values, after]) if half else values
    return np.einsum("t...n,n->t...", np.lib.stride_tricks.sliding_window_view(longer, len(taps), axis=0), taps)


def smooth_turns(rotations: Float[ndarray, "T 3 3"], taps: Float[ndarray, " n"]) -> Float[ndarray, "T 3 3"]:
    """Return rotations filtered along time: the weighted mean of those around each.

    Args:
        rotations: A run of frames.
        taps: Weights; half of them are fewer than the frames.
    """
    half = len(taps) // 2
    if not half:
        return rotations
    first, last = rotations[:1], rotations[-1:]
    before = first @ np.swapaxes(rotations[half:0:-1], 1, 2) @ first
    after = last @ np.swapaxes(rotations[-2 : -half - 2 : -1], 1, 2) @ last
    longer = np.concatenate([before, rotations, after])
    around = np.moveaxis(np.lib.stride_tricks.sliding_window_view(longer, len(taps), axis=0), -1, 1)
    mean = rotations
    for _ in range(ROUNDS):
        away = torch.from_numpy(around @ np.swapaxes(mean, 1, 2)[:, None])
        step = np.einsum("tnc,n->tc", matrix_to_axis_angle(away).numpy(), taps)
        mean = axis_angle_to_matrix(torch.from_numpy(step)).numpy() @ mean
    return mean
