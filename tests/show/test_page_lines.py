import pytest

from headsmith.contract.errors import UserError
from headsmith.show.page_lines import MOST_POINTS, read_columns, score_charts, tracking_charts


def test_cells_that_are_no_numbers_break_the_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("frame,status,psnr\n0,ok,1.5\n1,missing,\n2,ok,nan\n3,ok,inf\n4,ok,2\n")
    assert read_columns(path) == {"frame": [0, 1, 2, 3, 4], "status": [None] * 5, "psnr": [1.5, None, None, None, 2]}


def test_long_tables_are_thinned_evenly(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("frame\n" + "".join(f"{n}\n" for n in range(2 * MOST_POINTS + 1)))
    assert read_columns(path)["frame"] == list(range(0, 2 * MOST_POINTS + 1, 3))


@pytest.mark.parametrize("content", [None, "", "frame,psnr\n"])
def test_a_missing_or_empty_table_is_told(tmp_path, content):
    path = tmp_path / "scores.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=r"scores\.csv"):
        read_columns(path)


def test_the_heads_psnr_stands_beside_both_baselines():
    columns = {"frame": [5.0, 6.0], "psnr_head": [26.0, None], "landmark_error_percent_iod": [1.0, 2.0]}
    columns |= {"baseline_nearest_psnr_head": [19.0, 20.0], "baseline_mean_psnr_head": [18.0, 17.0]}
    first, second = score_charts({"basis": columns})
    assert first.x == (5, 6)
    assert first.lines == {"basis": (26, None), "nearest frame": (19, 20), "mean frame": (18, 17)}
    assert second.lines == {"basis": (1, 2)}
    assert list(score_charts({})) == []


def test_tracking_is_drawn_from_the_columns_that_the_stage_writes():
    names = ("frame", "residual_percent", "yaw_deg", "pitch_deg", "roll_deg", "jaw_open_deg", "left_eyelid", "right_eyelid")
    gaze = [f"{side}_gaze_{way}_deg" for side in ("left", "right") for way in ("side", "down")]
    columns = {name: [float(number)] for number, name in enumerate([*names, *gaze])} | {"deviation_percent": [None]}
    charts = list(tracking_charts(columns, marks=(0,)))
    assert [chart.lines for chart in charts][:2] == [{"error": (1,)}, {"yaw": (2,), "pitch": (3,), "roll": (4,)}]
    assert len(charts) == 6 and all(chart.marks == (0,) for chart in charts)
    known = next(iter(tracking_charts(columns | {"deviation_percent": [0.5]})))
    assert known.lines == {"error": (1,), "standard deviation": (0.5,)}
