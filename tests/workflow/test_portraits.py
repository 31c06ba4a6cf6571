"""Portraits as a target: what would be done for a line of the table."""

from pathlib import Path

from workflow.house import House


def test_a_line_of_the_table_is_planned(empty_house: House, tmp_path: Path) -> None:
    house = empty_house.copy(tmp_path / "house")
    (house.folder / "ada.jpg").write_bytes(b"")
    house.append("config/portraits.tsv", "ada\tada.jpg\tone\n")
    planned = house.planned("portraits")
    assert planned.keys() >= {"prepare_portraits", "fit_portraits", "write_portraits", "build_head", "convert_network"}
    assert "extract_frames" not in planned
