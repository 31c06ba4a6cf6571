"""Pictures of all kinds made ready for a fit: found, turned, cut out; those that cannot be used cost themselves alone."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat
from skimage import data

from headsmith.contract.errors import UserError
from headsmith.contract.settings import ParsingSettings, PortraitsSettings
from headsmith.nets.parsers import Parser
from headsmith.stages import portraits_prepare
from headsmith.stages.portraits_crop import beyond, cut, face_crop, moved, quarter_turn, whole_crop
from headsmith.stages.portraits_manifest import read_prepared_manifest
from headsmith.stages.portraits_prepare import prepare_portraits
from headsmith.stages.portraits_prepared import read_prepared
from headsmith.stages.portraits_sources import iterate_sources, plain_name

NOSE_TIP = 4


class PlainParser(Parser):
    """Says that all is skin."""

    def __init__(self, *_, **__):
        pass

    def parse(self, image):
        return np.ones(image.shape[:2], np.uint8)


@pytest.fixture(scope="module")
def astronaut():
    return Image.fromarray(data.astronaut())


@pytest.fixture
def prepare(tmp_path, asset, monkeypatch):
    """Return a function that prepares pictures and returns the manifest and the pictures by name."""
    monkeypatch.setattr(portraits_prepare, "Parser", PlainParser)

    def run(pictures, landmarks=None, **settings):
        manifest = tmp_path / "out/prepared.json"
        prepare_portraits(
            portrait="ada",
            person="each",
            pictures=Path(pictures),
            landmarks=landmarks,
            files={"face_landmarker.task": asset("face_landmarker.task")},
            network=tmp_path / "none.onnx",
            manifest=manifest,
            settings=PortraitsSettings(**settings),
            parsing=ParsingSettings(),
            threads=1,
        )
        told = read_prepared_manifest(manifest)
        return told, {name: read_prepared(manifest.with_suffix(""), name) for name in told.names}

    return run


def in_picture(prepared):
    """The landmarks in the picture's own pixels."""
    return moved(prepared.landmarks, np.linalg.inv(prepared.crop))


def test_pictures_of_every_kind_give_one_face(tmp_path, prepare, astronaut):
    folder = tmp_path / "in"
    folder.mkdir()
    exif = Image.Exif()
    exif[274] = 6
    astronaut.save(folder / "as it is.png")
    astronaut.convert("L").save(folder / "grey.png")
    astronaut.convert("CMYK").save(folder / "ink.jpg", quality=95)
    Image.fromarray(np.asarray(astronaut.convert("L")).astype(np.uint16) * 257).save(folder / "deep.png")
    see_through = astronaut.convert("RGBA")
    see_through.putalpha(255)
    see_through.save(folder / "alpha.png")
    astronaut.rotate(90, expand=True).save(folder / "told.jpg", quality=95, exif=exif)
    astronaut.rotate(-90, expand=True).save(folder / "untold.png")
    astronaut.resize((2048, 2048), Image.BICUBIC).save(folder / "large.png")
    Image.new("RGB", (300, 200)).save(folder / "empty.png")
    (folder / "broken.png").write_bytes((folder / "grey.png").read_bytes()[:4000])
    (folder / "phone.heic").write_bytes(b"1234")
    manifest, found = prepare(folder)
    assert {one.name: one.reason.split(":")[0] for one in manifest.refused} == {
        "broken": "the picture is broken or cut off",
        "empty": "no face is found",
        "phone": "the file is not a picture",
    }
    remarks = {picture.name: " ".join(picture.remarks) for picture in manifest.pictures}
    assert "EXIF" in remarks["told"] and "90 degrees to the left" in remarks["untold"] and remarks["as_it_is"] == ""
    truth = in_picture(found["as_it_is"])
    eyes = np.linalg.norm(truth[33] - truth[263])
    back = {"untold": lambda points: np.stack([points[:, 1], 512 - points[:, 0]], 1), "large": lambda points: points / 4}
    for name, one in found.items():
        own = back.get(name, lambda points: points)(in_picture(one))
        assert np.linalg.norm(own - truth, axis=1).mean() < 0.03 * eyes, name
        assert np.abs(one.landmarks.mean(0) - 112).max() < 30 and one.picture.shape == (224, 224, 3), name
        upright = one.landmarks[152] - one.landmarks[10]
        assert upright[1] > 3 * abs(upright[0]), name


def test_the_face_that_stands_out_is_taken_and_said(tmp_path, prepare, astronaut):
    both = Image.new("RGB", (1024, 512))
    both.paste(astronaut, (0, 0))
    both.paste(astronaut.resize((256, 256)), (700, 100))
    both.save(tmp_path / "both.png")
    manifest, found = prepare(tmp_path / "both.png")
    assert in_picture(found["both"])[NOSE_TIP, 0] < 512
    assert manifest.pictures[0].remarks[0].startswith("2 faces: the one that stands out was taken")


@pytest.mark.parametrize("ending", [".txt", ".mat", ".json"])
def test_points_beside_a_picture_stand_in_the_place_of_a_detector(tmp_path, prepare, astronaut, ending):
    astronaut.save(tmp_path / "ada.png")
    points = np.random.default_rng(1).uniform((180, 60), (260, 180), (68, 2))
    if ending == ".txt":
        np.savetxt(tmp_path / "ada.txt", points)
    elif ending == ".mat":
        savemat(tmp_path / "ada.mat", {"pt2d": np.zeros((2, 21)), "pt3d_68": np.concatenate([points, points[:, :1]], 1).T})
    else:
        other = {"keypoints": (points / 10).tolist(), "keypoint_scores": [0.9] * 68}
        listed = [other, {"keypoints": points.tolist(), "keypoint_scores": [0.8] * 68}]
        (tmp_path / "ada.json").write_text(json.dumps(listed))
    manifest, found = prepare(tmp_path / "ada.png")
    np.testing.assert_allclose(in_picture(found["ada"]), points + 0.5, atol=1e-4)
    assert (found["ada"].convention, found["ada"].confidence[0]) == ("ibug68", pytest.approx(0.8 if ending == ".json" else 1))
    assert manifest.pictures[0].remarks[0] == f"points from ada{ending}"


def test_no_picture_left_stops_with_the_reasons(tmp_path, prepare):
    Image.new("RGB", (300, 200)).save(tmp_path / "empty.png")
    (tmp_path / "list.txt").write_text("empty.png\ngone.png\n")
    with pytest.raises(UserError, match=r"no picture can be used:\n  empty: no face is found\n  gone: .*no such file"):
        prepare(tmp_path / "list.txt")
    assert not (tmp_path / "out/prepared.json").exists()


def test_of_a_video_one_frame_in_so_many_is_taken(asset, prepare):
    manifest, found = prepare(asset("single_face.mp4"), sample_step=40, crop="none", size=128)
    assert [picture.index for picture in manifest.pictures] == list(range(0, 40 * len(found), 40))
    assert list(found)[1].endswith("_frame0040")
    one = next(iter(found.values()))
    np.testing.assert_allclose(moved(np.array([one.size]) / 2.0, one.crop), [[64, 64]])


def test_the_crop_is_decas(astronaut):
    """DECA's lines, in its own pixels, whose centres are whole numbers, solved by least squares."""
    points = np.array([[100.3, 80.2], [180.9, 200.7], [150, 150]])
    low, high = points.min(0) - 0.5, points.max(0) - 0.5
    side, centre = int((high - low).sum() / 2 * 1.1 * 1.25), (low + high) / 2
    source = centre + np.array([[-1, -1], [-1, 1], [1, -1]]) * side / 2
    target = np.array([[0, 0], [0, 223], [223, 0.0]])
    affine = np.linalg.lstsq(np.concatenate([source, np.ones((3, 1))], 1), target, rcond=None)[0].T
    probe = np.array([[120.0, 140.0]])
    np.testing.assert_allclose(moved(probe + 0.5, face_crop(points, 1.25, 224)) - 0.5, probe @ affine[:, :2].T + affine[:, 2])


def test_pixels_go_where_the_crop_says():
    rng = np.random.default_rng(2)
    smooth = cv2.resize(rng.integers(0, 256, (9, 12, 3), np.uint8), (480, 360), interpolation=cv2.INTER_CUBIC)
    crop = face_crop(np.array([[100.0, 50], [420, 330]]), 1.0, 64)
    found = cut(smooth, crop, 64)
    row, column = np.mgrid[5:60:9, 5:60:9]
    places = moved(np.stack([column.ravel(), row.ravel()], 1) + 0.5, np.linalg.inv(crop))
    near = np.stack([smooth[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3].mean((0, 1)) for x, y in places])
    assert np.abs(found[row.ravel(), column.ravel()] - near).max() < 8
    outside = beyond((480, 360), whole_crop((480, 360), 64), 64)
    assert outside[:8].all() and not outside[8:56].any() and outside[56:].all()


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_quarter_turns_are_numpys(quarters):
    picture = np.arange(12).reshape(3, 4)
    turned = np.rot90(picture, quarters)
    for y in range(3):
        for x in range(4):
            ((column, row),) = moved(np.array([[x + 0.5, y + 0.5]]), quarter_turn((4, 3), quarters))
            assert turned[int(row), int(column)] == picture[y, x]


def test_names_are_free_and_plain(tmp_path):
    for name in ("my face.png", "My_face.jpg", "b.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    assert {source.name for source in iterate_sources(tmp_path, 1, "ada")} == {"b", "my_face", "My_face_2"}
    assert plain_name("..hidden") == "hidden" and plain_name("Zoë 1") == "Zoë_1"
