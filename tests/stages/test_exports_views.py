"""The frames that a texture is baked from."""

from dataclasses import replace

import numpy as np
import torch
from bridges.tracks import random_track
from scipy.spatial.transform import Rotation
from synthetic_head import synthetic_head

from headsmith.bridges.track import Track
from headsmith.heads.model import HeadModel
from headsmith.stages.exports_views import spread_places

COUNT = 60


def still_clip(yaw: np.ndarray) -> Track:
    """Return a clip with a shut mouth and open eyes, turned from the camera by some degrees."""
    track = random_track(HeadModel.from_container(synthetic_head(), torch.float64), count=COUNT)
    facing = np.diag([1.0, -1.0, -1.0]) @ Rotation.from_euler("y", yaw[:, None], degrees=True).as_matrix()
    return replace(track, rotation=facing, jaw=np.zeros((COUNT, 3)), eyelids=np.zeros((COUNT, 2)))


def test_the_most_frontal_frame_is_taken_first_and_then_the_most_turned_ones() -> None:
    yaw = np.linspace(-20, 40, COUNT)
    track = still_clip(yaw)
    frontal = int(np.abs(yaw).argmin())
    assert spread_places(track, list(range(COUNT)), 1) == [frontal]
    assert spread_places(track, list(range(COUNT)), 3) == [0, frontal, COUNT - 1]


def test_an_open_mouth_and_shut_eyes_count_more_than_a_head_that_hardly_turns() -> None:
    track = still_clip(3 * np.sin(np.arange(COUNT)))
    track.jaw[17, 0], track.eyelids[40] = 0.3, 1.0
    assert spread_places(track, list(range(COUNT)), 3) == [0, 17, 40]


def test_only_the_given_frames_are_taken_each_once() -> None:
    places = list(range(5, 25, 2))
    assert spread_places(still_clip(np.linspace(-20, 40, COUNT)), places, 99) == places
