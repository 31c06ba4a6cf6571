"""The user's own landmarks: from their files through the crop into the frames, and what does not fit."""

import json

import cv2
import numpy as np
import pytest

from headsmith.contract.errors import UserError
from headsmith.contract.settings import FramesSettings, LandmarksSettings
from headsmith.media.frames import FrameFolderWriter
from headsmith.nets.detectors import MappedLandmarker
from headsmith.stages.frames import extract_frames
from headsmith.stages.landmarks import detect_landmarks
from headsmith.stages.landmarks_files import overlap

CROP, SCALE, SIZE = (40, -6, 200), 0.32, 64
GENERATOR = np.random.default_rng(0)
SHAPE = GENERATOR.uniform(-50, 50, (68, 2))
FRAMES = 12
START, EVERY = 20, 2
"""The clip is every other frame of the video, from this one on."""


def in_video(frame, shift=(0.0, 0.0)):
    """Where the points of the video's frame are, in its own pixels."""
    return SHAPE + np.array([140 + frame / 4, 94 - frame / 8]) + shift


def in_frame(frame, shift=(0.0, 0.0)):
    return (in_video(frame, shift) - CROP[:2]) * SCALE


def instance(frame, shift=(0.0, 0.0), score=0.8):
    return {"keypoints": (in_video(frame, shift) - 0.5).tolist(), "keypoint_scores": [score] * 68}


def lines(frame):
    return "".join(f"{x} {y}\n" for x, y in in_video(frame) - 0.5)


@pytest.fixture
def read(tmp_path):
    """Return a function that runs the stage on given files and returns the arrays and the summary."""

    def run(given, count=FRAMES, details=None, **settings):
        source = {"crop": CROP, "scale": SCALE, "source_index": [START + EVERY * i for i in range(count)]}
        with FrameFolderWriter(tmp_path / "frames.json", details=source | (details or {})) as writer:
            for frame_id in range(count):
                writer.add(frame_id, np.zeros((SIZE, SIZE, 3), np.uint8))
        detect_landmarks(
            clip="someone",
            frames=tmp_path / "frames.json",
            files={},
            given=given,
            output=tmp_path / "landmarks.npz",
            summary=tmp_path / "landmarks.json",
            settings=LandmarksSettings(detector="file", **settings),
            threads=2,
        )
        with np.load(tmp_path / "landmarks.npz", allow_pickle=False) as content:
            return dict(content), json.loads((tmp_path / "landmarks.json").read_text())

    return run


def video_json(path, first, instances_of):
    entries = [{"frame_id": frame + first, "instances": instances_of(frame)} for frame in range(START + EVERY * FRAMES)]
    path.write_text(json.dumps(entries))
    return path


def check_places(arrays, missing=()):
    for row in range(FRAMES):
        if row in missing:
            assert np.isnan(arrays["points"][row]).all()
        else:
            np.testing.assert_allclose(arrays["points"][row, :, :2], in_frame(START + EVERY * row), atol=1e-3)


@pytest.mark.parametrize("first", [0, 1])
def test_mmpose_of_a_whole_video(read, tmp_path, first, capsys):
    arrays, told = read(video_json(tmp_path / "video.json", first, lambda frame: [instance(frame)]))
    check_places(arrays)
    assert np.isnan(arrays["points"][..., 2]).all()
    assert arrays["blendshapes"].shape == (FRAMES, 0) and arrays["blendshape_names"].shape == (0,)
    np.testing.assert_allclose(arrays["point_confidence"], 0.8, rtol=1e-6)
    assert (arrays["convention"], arrays["detector"]) == ("ibug68", "file")
    assert told["counts"]["ok"] == FRAMES
    assert f"landmarks for {FRAMES} of {FRAMES} frames; their files count frames from {first}" in capsys.readouterr().err


@pytest.mark.parametrize("first", [0, 1])
def test_a_file_for_each_frame_by_its_number(read, tmp_path, first):
    folder = tmp_path / "landmarks"
    folder.mkdir()
    for frame in range(0, START + EVERY * FRAMES):
        if frame not in (START, START + 2 * EVERY):
            (folder / f"clip_{frame + first:04d}.txt").write_text(lines(frame))
    (folder / "notes.md").write_text("not landmarks")
    arrays, told = read(folder, max_missing=0.2)
    check_places(arrays, missing=(0, 2))
    assert told["counts"] == {"ok": FRAMES - 2, "no_face": 2, "two_faces": 0, "low_confidence": 0, "other_face": 0}
    with pytest.raises(UserError, match="2 of 12 frames have no usable face"):
        read(folder, max_missing=0.1)


def test_a_file_for_each_picture_by_its_name(read, tmp_path):
    folder = tmp_path / "landmarks"
    folder.mkdir()
    names = [f"anna {chr(97 + row)}.jpg" for row in range(FRAMES)]
    for row, name in enumerate(names[:-1]):
        (folder / name.replace(".jpg", ".json")).write_text(json.dumps([instance(START + EVERY * row)]))
    arrays, told = read(folder, details={"names": names}, max_missing=0.1)
    check_places(arrays, missing=(FRAMES - 1,))
    assert told["counts"]["no_face"] == 1
    with pytest.raises(UserError, match="two pictures are called 'anna a'"):
        read(folder, details={"names": ["anna a.png", *names[:-1]]})
    (folder / "anna c.txt").write_text(lines(0))
    with pytest.raises(UserError, match=r"anna c\.json and anna c\.txt tell of one frame"):
        read(folder, details={"names": names})


def test_one_file_for_one_frame(read, tmp_path):
    path = tmp_path / "anyone.txt"
    path.write_text(lines(START))
    arrays, _ = read(path, count=1)
    np.testing.assert_allclose(arrays["points"][0, :, :2], in_frame(START), atol=1e-3)
    with pytest.raises(UserError, match="the landmarks of one picture for 12 frames"):
        read(path)


def test_of_several_people_the_one_that_stands_out_or_was_chosen(read, tmp_path):
    """Another person of equal size in the frame, one outside of it, and a second, less sure look at the first."""

    def people(frame):
        return [
            instance(frame, (60, 0)),
            instance(frame, (700, 0)),
            instance(frame, (1.5, 0), 0.6),
            instance(frame, score=0.9),
        ]

    given = video_json(tmp_path / "video.json", 0, people)
    with pytest.raises(UserError, match="12 of 12 frames show a second face"):
        read(given)
    arrays, told = read(given, details={"person": [36.0, 30.0]})
    check_places(arrays)
    assert len(told["second_face"]) == FRAMES
    arrays, _ = read(video_json(tmp_path / "video.json", 0, lambda frame: people(frame)[1:]))
    check_places(arrays)
    arrays, told = read(video_json(tmp_path / "video.json", 0, lambda frame: people(frame)[1:2]), max_missing=1.0)
    assert told["counts"]["no_face"] == FRAMES


def test_doubtful_faces_are_told(read, tmp_path):
    given = video_json(tmp_path / "video.json", 0, lambda frame: [instance(frame, score=0.3 if frame == START else 0.9)])
    _, told = read(given, max_missing=0.1)
    assert told["not_ok"] == [{"id": 0, "reason": "low_confidence"}]


def test_files_that_do_not_belong_to_the_clip(read, tmp_path):
    folder = tmp_path / "landmarks"
    folder.mkdir()
    with pytest.raises(UserError, match="holds no landmarks") as caught:
        read(folder)
    assert caught.value.file == str(folder)
    (folder / "00003.txt").write_text(lines(3))
    with pytest.raises(UserError, match="begin with frame 3"):
        read(folder)
    (folder / "00000.txt").write_text(lines(0))
    with pytest.raises(UserError, match="of frames 0 to 3, the clip's of 20 to 42"):
        read(folder)
    with pytest.raises(UserError, match="no file belongs to a frame"):
        read(folder, details={"names": [f"{row}.png" for row in range(20, 20 + FRAMES)]})
    (folder / "0.txt").write_text(lines(0))
    with pytest.raises(UserError, match="two files have one number"):
        read(folder)
    (folder / "face.txt").write_text(lines(0))
    with pytest.raises(UserError, match="does not end in a number"):
        read(folder)


def test_a_broken_file_is_told_by_its_name(read, tmp_path):
    folder = tmp_path / "landmarks"
    folder.mkdir()
    for frame in range(START + EVERY * FRAMES):
        (folder / f"{frame}.txt").write_text(lines(frame) if frame != START + 4 else "1 2\n")
    with pytest.raises(UserError, match="1 points, not 68") as caught:
        read(folder)
    assert caught.value.file == str(folder / f"{START + 4}.txt")
    (folder / f"{START + 4}.txt").unlink()
    video_json(folder / f"{START + 4}.json", 0, lambda frame: [])
    with pytest.raises(UserError, match="a video's frames"):
        read(folder)
    with pytest.raises(UserError, match=r"not read from \.csv"):
        read(tmp_path / "points.csv")
    assert not (tmp_path / "landmarks.npz").exists()


def test_landmarks_found_in_whole_pictures_lie_where_they_are_found_in_the_frames(tmp_path, asset):
    """Pictures of a folder, detected whole, written as MMPose writes them, and read through the crop: the faces' own places."""
    detector, pictures, given = asset("face_landmarker.task"), tmp_path / "pictures", tmp_path / "given"
    for folder in (pictures, given):
        folder.mkdir()
    video = cv2.VideoCapture(str(asset("franck.mp4")))
    with MappedLandmarker(detector) as landmarker:
        for name in ("a b", "c", "d"):
            picture = cv2.resize(video.read()[1], (540, 432), interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(pictures / f"{name}.png"), picture)
            (face,) = landmarker.detect(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
            told = {"keypoints": (face.points[:, :2] - 0.5).tolist(), "keypoint_scores": [0.9] * 68}
            (given / f"{name}.json").write_text(json.dumps({"meta_info": {}, "instance_info": [told]}))
    source = {"clip": "franck", "video": pictures, "start": None, "end": None, "person": None, "detector": detector}
    frames = {**source, "mtcnn": [], "manifest": tmp_path / "frames.json", "settings": FramesSettings(), "threads": 1}
    extract_frames(**frames)
    outputs = {}
    for name, settings in (("file", LandmarksSettings("file")), ("mediapipe68", LandmarksSettings("mediapipe68"))):
        detect_landmarks(
            clip="franck",
            frames=tmp_path / "frames.json",
            files={"face_landmarker.task": detector},
            given=given,
            output=tmp_path / f"{name}.npz",
            summary=tmp_path / f"{name}.json",
            settings=settings,
            threads=1,
        )
        with np.load(tmp_path / f"{name}.npz") as content:
            outputs[name] = content["points"][..., :2]
    misses = np.linalg.norm(outputs["file"] - outputs["mediapipe68"], axis=-1)
    eyes = np.linalg.norm(outputs["file"][:, 45] - outputs["file"][:, 36], axis=-1)
    assert misses.mean() < 0.02 * eyes.mean()
    assert np.linalg.norm((outputs["file"] - outputs["mediapipe68"]).mean((0, 1))) < 0.01 * eyes.mean()


def test_overlap():
    assert overlap((0.0, 0.0, 2.0, 2.0), (1.0, 0.0, 3.0, 2.0)) == pytest.approx(1 / 3)
    assert overlap((0.0, 0.0, 2.0, 2.0), (0.0, 0.0, 2.0, 2.0)) == 1
    assert overlap((0.0, 0.0, 2.0, 2.0), (5.0, 5.0, 6.0, 6.0)) == 0
