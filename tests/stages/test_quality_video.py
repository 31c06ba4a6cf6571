import av
import numpy as np
import pytest
from stages.test_quality_tracking import write_clip
from stages.tracked_clip import FRAMES, deviations, tracked_clip

from headsmith.contract.errors import UserError
from headsmith.contract.manifest import folder_of
from headsmith.show.timeline import HEIGHT
from headsmith.stages.quality_tracking_data import read_tracked_clip
from headsmith.stages.quality_video import SIDE, draw_tracking_video, words_of


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip"), tracked_clip(**deviations()))


def draw(clip, path, threads=1):
    draw_tracking_video(clip="toy", **clip, video=path, threads=threads)
    return path.read_bytes()


def test_every_frame_is_there_with_its_head_and_a_moving_cursor(clip, tmp_path):
    draw(clip, tmp_path / "tracking.mp4")
    with av.open(str(tmp_path / "tracking.mp4")) as video:
        stream = video.streams.video[0]
        assert (stream.codec_context.name, stream.average_rate, stream.codec_context.pix_fmt) == ("h264", 25, "yuv420p")
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in video.decode(stream)]
    assert len(frames) == FRAMES and frames[0].shape == (SIDE + HEIGHT, 2 * SIDE, 3)
    plain = np.full((SIDE, SIDE, 3), 90)
    cursors = []
    for frame in frames:
        changed = np.abs(frame[HEIGHT:, SIDE:] - plain).max(-1) > 12
        rows, columns = np.nonzero(changed)
        assert changed.mean() > 0.1 and 60 < columns.mean() < SIDE - 60 and 60 < rows.mean() < SIDE - 60
        cursors.append(frame[HEIGHT // 2 : HEIGHT - 8].sum((0, 2)).argmax())
    assert np.corrcoef(cursors, np.arange(FRAMES))[0, 1] > 0.9


def test_the_number_of_threads_changes_no_byte(clip, tmp_path):
    assert draw(clip, tmp_path / "one.mp4") == draw(clip, tmp_path / "three.mp4", threads=3)


def test_the_corner_tells_time_error_and_reason(clip):
    tracked = read_tracked_clip("toy", *(clip[word] for word in ("tracking", "head", "landmarks", "tracking_summary")))
    assert words_of(tracked, 3, 25.0) == (["frame 3   0.12 s", "no landmarks ± 0.60", "missing: no face"], "missing")
    error = f"error {tracked.track.residual[10]:.2f} % ± {tracked.deviations['deviation'][10]:.2f}"
    assert words_of(tracked, 10, 25.0) == (["frame 10   0.40 s", error, "ok"], "ok")


def test_a_missing_frame_is_told_and_leaves_no_video(clip, tmp_path):
    folder = folder_of(clip["frames"])
    (folder / "00005.png").rename(tmp_path / "away.png")
    try:
        with pytest.raises(UserError, match="00005"):
            draw(clip, tmp_path / "tracking.mp4")
    finally:
        (tmp_path / "away.png").rename(folder / "00005.png")
    assert [path for path in tmp_path.iterdir() if "tracking" in path.name] == []
