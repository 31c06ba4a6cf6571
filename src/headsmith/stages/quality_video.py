"""The video of the tracking: its landmarks and its head over every frame, with the error in the corner and over the clip."""

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import UInt8
from numpy import ndarray

from headsmith.bridges.track import OK
from headsmith.contract.manifest import read_manifest
from headsmith.media.parallel import map_in_order
from headsmith.media.progress import progress
from headsmith.media.video_writer import VideoWriter
from headsmith.show.overlays import TRACKED_COLOUR, cross_out, draw_landmarks, draw_points
from headsmith.show.sheets import enlarge
from headsmith.show.timeline import Timeline, draw_words
from headsmith.stages.quality_parts import Picture, read_frame
from headsmith.stages.quality_tracking_data import TrackedClip, read_tracked_clip
from headsmith.stages.quality_tracking_head import SeenHead, mesh_over, see_heads

SIDE = 512
"""Of each of the two pictures beside each other, pixels."""
CRF = 23
"""Quality of the video: it is looked at, not computed with."""


def draw_tracking_video(
    *, clip: str, frames: Path, landmarks: Path, tracking: Path, tracking_summary: Path, head: Path, video: Path, threads: int
) -> None:
    """Write the video; memory does not grow with the clip but for its parameters and landmarks.

    Args:
        clip: Name of the clip.
        frames: Manifest of the frames.
        landmarks: The clip's landmarks.
        tracking: The clip's tracking, of those frames.
        tracking_summary: Its summary, which has the reasons of frames that are not ok.
        head: The head container.
        video: The ``.mp4`` to write.
        threads: Threads that draw; the bytes do not depend on them.

    Raises:
        UserError: An input cannot be read, or does not fit the others.
    """
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    manifest = read_manifest(frames, clip=clip, verify=False)
    tracked = read_tracked_clip(clip, tracking, head, landmarks, tracking_summary)
    heads = see_heads(tracked.track, tracked.model, tracked.contours, range(len(tracked.track.ids)))
    timeline = Timeline.of(tracked.track.residual, tracked.track.status, 2 * SIDE)
    draw = partial(draw_frame, clip=clip, frames=frames, tracked=tracked, timeline=timeline, fps=manifest.details["fps"])
    drawn = map_in_order(draw, heads, threads)
    with VideoWriter(video, manifest.details["fps"], crf=CRF, preset="veryfast") as writer:
        for _, picture in progress(drawn, len(tracked.track.ids), f"{clip}: tracking, video"):
            writer.add(picture)


def draw_frame(
    item: tuple[int, SeenHead | None], *, clip: str, frames: Path, tracked: TrackedClip, timeline: Timeline, fps: float
) -> UInt8[ndarray, "H W 3"]:
    """Return a frame of the video: landmarks and head beside each other, under the timeline.

    The timeline is not at the bottom, where players lay their buttons.

    Raises:
        UserError: The frame cannot be read.
    """
    place, head = item
    frame = read_frame(frames, int(tracked.track.ids[place]), clip)
    shown, scale = enlarge(frame, SIDE), SIDE / frame.shape[1]
    over = cross_out(shown) if head is None else mesh_over(shown, head, tracked.faces, scale)
    seen = draw_words(mark_landmarks(shown, tracked, place, head, scale), *words_of(tracked, place, fps))
    return np.concatenate([timeline.at(place), np.concatenate([seen, over], axis=1)])


def mark_landmarks(picture: Picture, tracked: TrackedClip, place: int, head: SeenHead | None, scale: float) -> Picture:
    """Return a picture with contours where landmarks were detected, and dots where the tracked head has them.

    Args:
        picture: The frame, enlarged or shrunk.
        tracked: The clip.
        place: The frame's place in it.
        head: As seen in the frame.
        scale: Pixels of the picture in one of the frame.
    """
    detected = tracked.detected[place]
    if np.isfinite(detected).all():
        picture = draw_landmarks(picture, detected * scale, tracked.convention, dots=False)
    return picture if head is None else draw_points(picture, head.landmarks * scale, TRACKED_COLOUR)


def words_of(tracked: TrackedClip, place: int, fps: float) -> tuple[list[str], str]:
    """Return the lines in the corner of a frame, and its status: number and time, error, and why it is not ok."""
    track, frame_id = tracked.track, int(tracked.track.ids[place])
    error = "no landmarks" if np.isnan(track.residual[place]) else f"error {track.residual[place]:.2f} %"
    if "deviation" in tracked.deviations:
        error += f" ± {tracked.deviations['deviation'][place]:.2f}"
    status = track.status[place]
    told = status if status == OK else f"{status}: {tracked.reason(frame_id)}"
    return [f"frame {frame_id}   {frame_id / fps:.2f} s", error, told], status
