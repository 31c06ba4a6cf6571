"""A clip cut in chunks, through the rules: the same bytes, and nothing that follows is made again."""

from workflow.house import House

TARGETS = ("landmarks", "mattes", "parsing")
FILES = ("landmarks.npz", "landmarks.json", "matte.json", "parsing.json")
CUT = {"detect_landmarks_chunk": 2, "estimate_matte_chunk": 2, "parse_faces_chunk": 2}
JOINED = dict.fromkeys(("detect_landmarks", "estimate_matte", "parse_faces"), 1)


def test_chunks_change_no_byte(house: House) -> None:
    clip = house.folder / "results/franck"
    before = {name: (clip / name).read_bytes() for name in FILES}
    house.settings(cluster={"chunks": 2})
    assert house.planned(*TARGETS) == CUT | JOINED
    house.snakemake("--", *TARGETS)
    assert {name: (clip / name).read_bytes() for name in FILES} == before
    assert not list((clip / "chunks").glob("*"))
    assert house.planned(*TARGETS) == {}
    assert house.planned("mattes", "-R", "estimate_matte") == {"estimate_matte_chunk": 2, "estimate_matte": 1}
    assert not set(house.planned()) & {"cut_head_masks", "track_head", "write_dataset", "train_avatar"}
