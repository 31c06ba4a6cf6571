"""The loop that a user would write: read all frames, then take them one by one, with each library as it comes."""

import json
from pathlib import Path

import cv2
import mediapipe
import numpy as np
import onnxruntime
from mediapipe.tasks.python import BaseOptions, vision
from preprocess_stages import DETECTOR, asset, network

from headsmith.contract.labels import MASKS, label_ids
from headsmith.nets.rvm import STATES_IN, STATES_OUT

FOLDERS = ("frames", "matte", "parsing", "masks")
MARGIN = 1.65


def run_naive(folder: Path, video: Path, size: int) -> int:
    """Preprocess a video into folders of pictures and a file of landmarks; return the number of its frames."""
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
    pictures = read_all(video)
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(asset(DETECTOR))), output_face_blendshapes=True
    )
    parser = onnxruntime.InferenceSession(str(network("whole_parsing", size)))
    matting = onnxruntime.InferenceSession(str(network("whole_matte", size)))
    mouth = label_ids(MASKS["mouth"])
    states = [np.zeros(entry.shape, np.float32) for entry in matting.get_inputs() if entry.name in STATES_IN]
    found = []
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        left, top, side = square_around(landmarker, pictures[0])
        for index, picture in enumerate(pictures):
            frame = cv2.resize(picture[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_AREA)
            frame = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            points = detect(landmarker, frame)
            found.append([] if not points else [(point.x * size, point.y * size) for point in points[0]])
            scaled = np.ascontiguousarray(frame.transpose(2, 0, 1)[None], np.float32) / 255
            alpha, *states = matting.run(["alpha", *STATES_OUT], {"src": scaled, **dict(zip(STATES_IN, states, strict=True))})
            labels = parse(parser, frame)
            outputs = (frame[..., ::-1], np.uint8(alpha[0, 0] * 255), labels, np.uint8(np.isin(labels, mouth)) * 255)
            for name, image in zip(FOLDERS, outputs, strict=True):
                cv2.imwrite(str(folder / name / f"{index:05d}.png"), image)
    (folder / "landmarks.json").write_text(json.dumps(found))
    return len(pictures)


def read_all(video: Path) -> list[np.ndarray]:
    """Return all frames of a video, BGR."""
    reader, pictures = cv2.VideoCapture(str(video)), []
    while True:
        there, picture = reader.read()
        if not there:
            return pictures
        pictures.append(picture)


def detect(landmarker: vision.FaceLandmarker, frame: np.ndarray) -> list:
    """Return the landmarks of the faces in an RGB picture."""
    picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(frame))
    return landmarker.detect(picture).face_landmarks


def square_around(landmarker: vision.FaceLandmarker, picture: np.ndarray) -> tuple[int, int, int]:
    """Return left, top and side of a square around the face of the first frame."""
    height, width = picture.shape[:2]
    points = np.array([(point.x * width, point.y * height) for point in detect(landmarker, picture[..., ::-1])[0]])
    low, high = points.min(0), points.max(0)
    side = int(min(MARGIN * (high - low).max(), width, height))
    left, top = np.clip((low + high - side) / 2, 0, (width - side, height - side)).astype(int)
    return int(left), int(top), side


def parse(parser: onnxruntime.InferenceSession, frame: np.ndarray) -> np.ndarray:
    """Return the label of every pixel: the picture in 512 pixels, the logits enlarged to it, the largest, and back."""
    entry = parser.get_inputs()[0]
    scaled = cv2.resize(frame, (512, 512), interpolation=cv2.INTER_LINEAR).astype(np.float32) / 127.5 - 1
    logits = parser.run(["logits"], {entry.name: np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])})[0][0]
    full = cv2.resize(logits.transpose(1, 2, 0), (512, 512), interpolation=cv2.INTER_LINEAR)
    return cv2.resize(full.argmax(2).astype(np.uint8), frame.shape[:2], interpolation=cv2.INTER_NEAREST)
