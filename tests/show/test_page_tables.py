import pytest

from headsmith.show.page_tables import left_out_table, ranges, timings_table, tracking_table, versions_table


@pytest.mark.parametrize(
    ("ids", "text"),
    [([], ""), ([3], "3"), ([3, 7, 8, 9], "3, 7-9"), ([0, 1, 5], "0-1, 5"), (list(range(0, 40, 2)), None)],
)
def test_ranges(ids, text):
    if text is None:
        assert ranges(ids) == "0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, and 8 more"
    else:
        assert ranges(ids) == text


def test_what_was_left_out_is_grouped_by_stage_and_reason():
    table = left_out_table(
        {"dropped": [{"id": 3, "reason": "not_decodable"}]},
        {"not_ok": [{"id": 9, "reason": "no_face"}, {"id": 8, "reason": "no_face"}, {"id": 1, "reason": "two_faces"}]},
        {},
        {"left_out": []},
        {"basis": {"frames_without_mouth": 4, "renders_without_face": 0, "frames": 10}},
    )
    assert table.rows == (
        ("frames", "not decodable", "1", "3"),
        ("landmarks", "no face", "2", "8-9"),
        ("landmarks", "two faces", "1", "1"),
        ("scores, basis", "frames without mouth", "4", ""),
    )
    assert left_out_table({}, {}, {}, {}, {}) is None


def test_timings_add_up(tmp_path):
    for name, seconds in (("frames", 2.5), ("matte", 10)):
        (tmp_path / f"{name}.tsv").write_text(f"s\th:m:s\tmax_rss\tcpu_time\n{seconds}\t0:00:02\t100.5\t9\n")
    (tmp_path / "running.tsv").write_text("")
    (tmp_path / "short.tsv").write_text("s\th:m:s\tmax_rss\tcpu_time\n0.04\t0:00:00\tNA\t-\n")
    table = timings_table(sorted(tmp_path.glob("*.tsv")))
    assert [row[:2] for row in table.rows] == [("frames", "2.5"), ("matte", "10.0"), ("short", "0.0"), ("all", "12.5")]
    assert [row[2:] for row in table.rows] == [("100.5", "9.0"), ("100.5", "9.0"), ("", ""), ("", "")]
    assert timings_table([]) is None


def test_versions_name_what_runs():
    names = dict(versions_table().rows)
    assert {"python", "numpy", "torch"} <= set(names) and all(names.values())


def test_figures_of_the_tracking_are_told_as_far_as_there_are_any():
    summary = {
        "counts": {"ok": 590, "missing": 0, "uncertain": 10},
        "landmark_error_percent_iod": 0.876,
        "landmark_error_percent_iod_by_part": {"oval": 1.5, "lips": 1.234},
        "landmark_jitter_percent_iod": {"tracked": 0.0, "detected": 0.4},
        "focal_pixels": 1402.4,
        "focal_deviation_pixels": 33.3,
    }
    assert tracking_table(summary).rows == (
        ("frames, ok", "590"),
        ("frames, uncertain", "10"),
        ("landmark error / % of eye distance", "0.88"),
        ("error, outline of the face (not in the mean)", "1.50"),
        ("error, lips", "1.23"),
        ("jitter of the tracked landmarks / % of eye distance", "0.00"),
        ("jitter of the detected landmarks / % of eye distance", "0.40"),
        ("focal length / pixels", "1402 ± 33"),
    )
    assert tracking_table({"landmark_jitter_percent_iod": {"tracked": None, "detected": None}}) is None
