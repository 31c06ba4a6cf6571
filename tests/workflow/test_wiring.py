"""What a run would do, and what it says, before anything is computed."""

import ast
import re
from pathlib import Path

import pytest
from workflow.house import CACHED, ROOT, STAGE_OF, TARGETS, House

from headsmith.contract import paths

RULE_FILES = sorted((ROOT / "rules").glob("*.smk"))
RULE = re.compile(r"^( *)rule ?(\w*):\n((?:\1    .*\n|\n)+)", re.MULTILINE)
"""A rule, at whatever depth: those made in a loop have no word after `rule`, but a directive `name`."""


def rules_of(path: Path) -> dict[str, str]:
    """Return the rules of a file by name, or by their script's where they are made in a loop, without the loop's indent."""
    found = {}
    for indent, name, body in RULE.findall(path.read_text() + "\n"):
        text = re.sub(f"^{indent}", "", body, flags=re.MULTILINE)
        found[name or Path(re.search(r'"(\S+)\.py"', text).group(1)).name] = text
    return found


RULES = [
    pytest.param(name, text, id=name)
    for path in RULE_FILES
    if path.stem not in ("common", "targets")
    for name, text in rules_of(path).items()
]


def test_a_clip_is_under_sixty_jobs(empty_house: House) -> None:
    jobs = empty_house.planned()
    assert sum(jobs.values()) < 60
    assert jobs["train_avatar"] == jobs["extract_frames"] == 1


def test_every_target_is_listed_and_planned(empty_house: House) -> None:
    listed = empty_house.snakemake("--list-target-rules").stdout.split()
    assert [name for name in listed if name not in STAGE_OF] == sorted(TARGETS), "rules without wildcards are listed too"
    assert set(empty_house.planned("mouth_masks")) >= {"cut_mouth_masks", "parse_faces", "detect_landmarks"}
    assert "cut_head_masks" not in empty_house.planned("mouth_masks")


def test_masks_that_no_later_stage_needs_are_cut_when_asked_for(empty_house: House, tmp_path: Path) -> None:
    house = empty_house.copy(tmp_path / "house")
    house.settings(masks={"sets": {"brows": ["left_brow", "right_brow"], "eyes": None}})
    cut = {name for name in house.planned() if name.startswith("cut_")}
    assert cut == {"cut_mouth_masks", "cut_head_masks"}
    cut = {name for name in house.planned("masks") if name.startswith("cut_")}
    assert cut == {f"cut_{mask}_masks" for mask in ("mouth", "head", "hair", "skin", "brows")}
    assert "cut_brows_masks" in house.planned("brows_masks")
    assert "eyes_masks" not in house.snakemake("--list-target-rules").stdout


def test_clips_and_variants_share_what_they_can(empty_house: House, tmp_path: Path) -> None:
    house = empty_house.copy(tmp_path / "house")
    house.append("config/clips.tsv", "cap\tasset:cap12.mp4\t\t\t\n")
    house.settings(avatar={"mlp": {"deformation": "mlp"}})
    jobs = house.planned()
    assert (jobs["extract_frames"], jobs["track_head"], jobs["train_avatar"]) == (2, 2, 4)
    assert (jobs["build_head"], jobs["convert_network"]) == (1, 2)


def test_a_clip_is_tracked_after_the_one_whose_person_it_shows(empty_house: House, tmp_path: Path) -> None:
    house = empty_house.copy(tmp_path / "house")
    table = "clip\tvideo\tfocal\tidentity\nfranck\tasset:franck.mp4\t\tresults/cap/tracking.npz\ncap\tasset:cap12.mp4\t900\t\n"
    (house.folder / "config/clips.tsv").write_text(table)
    assert house.planned("results/franck/tracking.npz")["track_head"] == 2
    assert house.planned("results/cap/tracking.npz")["track_head"] == 1


def test_standard_output_stays_free_for_graphs(empty_house: House) -> None:
    assert empty_house.snakemake("--rulegraph").stdout.startswith("digraph")


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("frames={sise: 64}", ["unknown setting 'frames.sise'", "did you mean 'size'?", "command line", "remedy"]),
        ("clips=none.tsv", ["the table of clips cannot be read", "none.tsv", "remedy"]),
    ],
)
def test_a_mistake_in_the_configuration_ends_the_run(empty_house: House, argument: str, words: list[str]) -> None:
    done = empty_house.snakemake("-n", "--config", argument, check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr and ".smk" not in done.stderr
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr


def test_a_mistyped_clip_is_refused(empty_house: House) -> None:
    done = empty_house.snakemake("-n", paths.FRAMES_MANIFEST.format(clip="frank"), check=False)
    assert done.returncode != 0
    assert "No rule to produce results/frank/frames.json" in done.stdout + done.stderr


@pytest.mark.parametrize(("name", "block"), RULES)
def test_every_rule_has_all_that_a_rule_has(name: str, block: str) -> None:
    kept = "cache" if name in CACHED else "benchmark"
    for directive in ("output", "log", kept, "conda", "threads", "resources", "params", "message", "script"):
        assert re.search(rf"^    {directive}:", block, re.MULTILINE), directive
    stage = "masks" if name == "cut_masks" else STAGE_OF[name]
    assert f'code=fingerprint("stages.{stage}", script="{name}")' in block or name == "fetch_asset"
    assert f'"../workflow_scripts/{name}.py"' in block
    env = re.search(r'"\.\./(envs/\w+\.yaml)"', block)
    assert env is not None and (ROOT / env.group(1)).is_file()


def test_rules_take_every_path_from_the_contract() -> None:
    for path in RULE_FILES:
        assert not re.search(r'"(results|resources)/', path.read_text()), path.name


def test_scripts_pass_what_their_stage_takes() -> None:
    for path in sorted((ROOT / "workflow_scripts").glob("*.py")):
        if path.stem == "adapter":
            continue
        call, stage = _call(path)
        parameters = _parameters(ROOT / "src" / Path(*stage[0].split(".")).with_suffix(".py"), stage[1])
        given = {keyword.arg for keyword in call.keywords if keyword.arg}
        assert given <= parameters, path.name
        unpacked = any(keyword.arg is None for keyword in call.keywords)
        assert unpacked or given == parameters, path.name
        if unpacked:
            outputs = _outputs(path.stem) if "paths_by_word(snakemake.output)" in path.read_text() else set()
            assert parameters - given <= _inputs(path.stem) | outputs, path.name


def _call(path: Path) -> tuple[ast.Call, tuple[str, str]]:
    tree = ast.parse(path.read_text())
    modules = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and "stages" in str(node.module)]
    (module,) = [node for node in modules if str(node.module).split(".")[-1] in STAGE_OF.values()]
    name = module.names[0].name
    (call,) = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name]
    return call, (str(module.module), name)


def _parameters(path: Path, function: str) -> set[str]:
    (node,) = [node for node in ast.parse(path.read_text()).body if getattr(node, "name", "") == function]
    return {argument.arg for argument in node.args.kwonlyargs}


def _inputs(rule: str) -> set[str]:
    (block,) = [param.values[1] for param in RULES if param.id == rule]
    section = block.split("    input:\n")[1].split("    output:\n")[0]
    unpacked = {
        "parts_of_network": {"graph", "shards", "weights", "config"},
        "parts_of_scores": {"perceptual", "eyes_masks", "lpips_heads", "lpips_backbone"},
        "landmark_sources": {"files", "given", "chunks"},
        "chunks_of_clip": {"chunks"},
        "published_parts": {"perceptual", "backbone", "start_checkpoint"},
        "parts_of_head": {"flame", "given"},
        "known_identity": {"identity"},
        "labels_of_hair": {"parsing"},
        "texture_space": {"texture"},
        "round_before": {"last", "shifts"},
        'own["input"]': {"dataset", "head"},
        "portrait_points": {"landmarks"},
        "portrait_texture": {"texture"},
        "unwrapped_chunks": {"chunks"},
        "parts_of_fit": {"texture", "dposer"},
        "parts_of_export": {"frames", "matte", "parsing", "head_masks", "texture"},
    }
    names = set(re.findall(r"^        (\w+)=", section, re.MULTILINE))
    return names.union(*(words for function, words in unpacked.items() if function in section))


def _outputs(rule: str) -> set[str]:
    (block,) = [param.values[1] for param in RULES if param.id == rule]
    section = block.split("    output:\n")[1].split("    log:\n")[0]
    return set(re.findall(r"^        (\w+)=", section, re.MULTILINE))


def test_paths_are_distinct() -> None:
    values = [value for name, value in vars(paths).items() if name.isupper() and name != "CLIP"]
    assert len(set(values)) == len(values)
