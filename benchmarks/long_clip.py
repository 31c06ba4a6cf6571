"""A long 1080p video for benchmarks: a real clip, enlarged, its packets repeated as often as wanted without encoding again."""

from pathlib import Path

import av
import cv2
import numpy as np

WIDTH, HEIGHT, FPS = 1920, 1080, 24
REAL_FRAMES = 250
"""Frames that are encoded; a multiple of the group's length, so that every repetition begins with a key frame."""
GROUP = 50
"""Frames from one key frame to the next."""


def enlarged(picture: np.ndarray) -> np.ndarray:
    """Return a picture of 1920x1080 pixels: scaled to the height, its left and right edge repeated."""
    scaled = cv2.resize(picture, (round(picture.shape[1] * HEIGHT / picture.shape[0]), HEIGHT), interpolation=cv2.INTER_CUBIC)
    left = (WIDTH - scaled.shape[1]) // 2
    return cv2.copyMakeBorder(scaled, 0, 0, left, WIDTH - scaled.shape[1] - left, cv2.BORDER_REPLICATE)


def encode_once(source: Path, target: Path) -> None:
    """Encode the first frames of a video at 1080p."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream("libx264", rate=FPS, options={"crf": "20", "preset": "veryfast", "g": str(GROUP)})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for frame, _ in zip(old.decode(video=0), range(REAL_FRAMES), strict=False):
            new.mux(stream.encode(av.VideoFrame.from_ndarray(enlarged(frame.to_ndarray(format="rgb24")))))
        new.mux(stream.encode())


def repeat_packets(source: Path, target: Path, frames: int) -> None:
    """Write so many frames by repeating a video's packets with later and later time stamps; the last part may be short."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        packets = [packet for packet in old.demux(old.streams.video[0]) if packet.dts is not None]
        step = packets[0].duration
        for part in range(-(-frames // REAL_FRAMES)):
            for index in range(min(len(packets), frames - part * REAL_FRAMES)):
                packet, shift = packets[index], part * REAL_FRAMES * step
                twin = av.Packet(bytes(packet))
                twin.stream, twin.time_base, twin.duration = stream, packet.time_base, step
                twin.pts, twin.dts, twin.is_keyframe = packet.pts + shift, packet.dts + shift, packet.is_keyframe
                new.mux(twin)


def write_long_clip(source: Path, target: Path, frames: int) -> Path:
    """Write a 1080p video of so many frames, made from the first ``REAL_FRAMES`` of a real one."""
    once = target.with_name("once.mp4")
    if not once.exists():
        encode_once(source, once)
    repeat_packets(once, target, frames)
    return target
