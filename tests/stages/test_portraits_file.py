import dataclasses

import numpy as np
import pytest

from headsmith.contract.errors import UserError
from headsmith.contract.portraits_fit import PERSPECTIVE, WEAK
from headsmith.stages.portraits_file import FittedPortrait, read_portrait, write_portrait


def portrait_of(head, camera=PERSPECTIVE, side=4):
    rng = np.random.default_rng(5)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return FittedPortrait(
        name="face",
        head_sha256=head.sha256,
        texture_sha256="",
        camera=camera,
        convention="ibug68",
        identity=rng.normal(size=len(head.identity)),
        expression=rng.normal(size=len(head.expression)),
        **{"eyelids": rng.random(2), "jaw": rng.normal(size=3), "eyes": rng.normal(size=(2, 3)), "neck": np.zeros(3)},
        **{"rotation": turn * np.linalg.det(turn), "translation": np.array([0.01, -0.02, 0.7]), "focal": 612.5},
        **{"principal": np.array([112.0, 112.0]), "size": 224, "texture": rng.normal(size=5)},
        **{"offset": rng.normal(size=(side, side, 3)).astype(np.float32), "colour": rng.random(3)},
        **{"light": rng.normal(size=(9, 3)), "landmark_error": 1.25, "psnr": float("nan")},
    )


def test_what_is_written_is_read_bit_for_bit(tmp_path, anny_container):
    portrait = portrait_of(anny_container)
    write_portrait(tmp_path / "fits/face.npz", portrait)
    read = read_portrait(tmp_path / "fits/face.npz", anny_container)
    for item in dataclasses.fields(FittedPortrait):
        one, other = np.asarray(getattr(read, item.name)), np.asarray(getattr(portrait, item.name))
        assert one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes(), item.name
        assert type(getattr(read, item.name)) is type(getattr(portrait, item.name)), item.name


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"head_sha256": "0" * 64}, "another head"),
        ({"identity": np.zeros(3)}, "not the head's"),
        ({"translation": np.array([0, np.nan, 1])}, "translation"),
        ({"camera": "fisheye"}, "fisheye"),
    ],
)
def test_a_file_that_does_not_belong_is_refused(tmp_path, anny_container, change, told):
    write_portrait(tmp_path / "face.npz", dataclasses.replace(portrait_of(anny_container), **change))
    with pytest.raises(UserError, match=told):
        read_portrait(tmp_path / "face.npz", anny_container)


def test_a_torn_file_is_refused(tmp_path, anny_container):
    write_portrait(tmp_path / "face.npz", portrait_of(anny_container))
    whole = (tmp_path / "face.npz").read_bytes()
    (tmp_path / "face.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="cannot be read"):
        read_portrait(tmp_path / "face.npz", anny_container)


def test_cameras_see_what_their_formulas_say(anny_container):
    points = np.array([[0.1, -0.2, 2.0], [0.0, 0.3, 0.5]])
    near, weak = portrait_of(anny_container), portrait_of(anny_container, WEAK)
    np.testing.assert_allclose(near.seen_at(points)[0], [112 + 612.5 * 0.05, 112 - 612.5 * 0.1, 2.0])
    np.testing.assert_allclose(weak.seen_at(points)[1], [112, 112 + 612.5 * 0.3, 0.5])
    np.testing.assert_allclose(near.in_camera(points), (near.rotation @ points.T).T + near.translation)
