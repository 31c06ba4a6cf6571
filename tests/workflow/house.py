"""A folder with a copy of the project's code, in which tests let Snakemake run on a small real clip."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from headsmith.contract.exchange import EXPORTS
from headsmith.contract.labels import MASKS

ROOT = Path(__file__).resolve().parents[2]
CODE = ("Snakefile", "rules", "workflow", "workflow_scripts", "profiles", "envs", "config", "report", "src")

SETTINGS = {
    "frames": {"size": 128, "detect_every": 8},
    "dataset": {"held_out": 8},
    "heads": {"identity_samples": 100, "identity_components": 10},
    "avatar": {"basis": {"gaussians": 500, "iterations": 60, "save_every": 20, "bases": 4, "hidden": 8}},
    "quality": {"frames": 2, "columns": 2},
}
CLIPS = "clip\tvideo\tstart\tend\tfps\nfranck\tasset:franck.mp4\t0\t1.667\t\n"
TARGETS = (
    *("all", "frames", "landmarks", "mattes", "parsing", "masks", *(f"{mask}_masks" for mask in MASKS), "tracking"),
    *("convert_head", "dataset", "validate_dataset", "exports", *EXPORTS, "avatars", "renders", "scores", "quality", "report"),
    *("tracking_video", "checkpoints", "test_video", "splats", "viewers", "novel_views", "reenactments"),
    *("patch_experts", "provenance", "reproduce", "portraits", "texture_space"),
)
FETCHED = (
    *("face_landmarker.task", "franck.mp4", "stlpips_alex.pth", "rvm/rvm.json", "rvm/rvm.bin", "bisenetv2/model.json"),
    *(f"bisenetv2/group1-shard{number}of3.bin" for number in (1, 2, 3)),
)
STAGE_OF = {
    "fetch_asset": "assets",
    "convert_network": "networks",
    "check_subject": "subject",
    "import_pictures": "subject_pictures",
    "import_parameters": "subject_tracking",
    "extract_frames": "frames",
    "detect_landmarks": "landmarks",
    "detect_landmarks_chunk": "landmarks_chunk",
    "build_point_distribution": "point_distribution",
    "train_patch_experts": "patch_experts",
    "estimate_matte": "matte",
    "estimate_matte_chunk": "matte_chunk",
    "parse_faces": "parsing",
    "parse_faces_chunk": "parsing_chunk",
    **{f"cut_{mask}_masks": "masks" for mask in MASKS},
    "read_flame": "flame",
    "build_head": "heads",
    "track_head": "tracking",
    "refine_tracking": "photometric",
    "begin_round": "photometric_round",
    "measure_shifts_chunk": "photometric_chunk",
    "import_tracking": "imports",
    "convert_clip": "conversion",
    "write_dataset": "dataset",
    "check_dataset": "validation",
    "export_clip": "exports",
    "prepare_portraits": "portraits_prepare",
    "fit_portraits": "portraits_fit",
    "encode_portraits": "portraits_encode",
    "write_portraits": "portraits_write",
    "draw_portraits": "portraits_panels",
    "learn_texture_space": "texture_space",
    "unwrap_textures_chunk": "texture_space_chunk",
    "draw_texture_space": "quality_texture_space",
    "train_avatar": "avatar",
    "write_checkpoint": "avatar_checkpoint",
    "draw_test_video": "avatar_test_video",
    "render_avatar": "renders",
    "show_novel_views": "novel_views",
    "reenact_avatar": "reenactment",
    "write_splats": "splats",
    "write_viewer": "viewer",
    "score_avatar": "scores",
    "draw_quality": "quality",
    "draw_tracking_video": "quality_video",
    "write_provenance": "provenance",
    "compare_runs": "reproduction",
    "write_report": "report",
}
CACHED = ("fetch_asset", "convert_network", "build_head")
"""Rules whose outputs workflows may share: Snakemake lets them have no benchmark."""
SCRIPT_OF = {rule: "cut_masks" if STAGE_OF[rule] == "masks" else rule for rule in STAGE_OF}
FINGERPRINTS = """
import json, sys
sys.path.insert(0, sys.argv[1] + "/src")
from headsmith.contract.fingerprint import fingerprint
stages, scripts = json.loads(sys.argv[2])
print(json.dumps({rule: fingerprint(f"stages.{stage}", script=scripts[rule]) for rule, stage in stages.items()}))
"""


@dataclass(frozen=True)
class House:
    """A folder with the project's code, in which Snakemake runs."""

    folder: Path

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Snakemake; its messages are in ``stderr``."""
        options = {"cwd": self.folder, "env": environment(), "capture_output": True, "text": True}
        done = subprocess.run(self.command(*arguments), check=False, **options)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def command(self, *arguments: str) -> list[str]:
        """Return the command that runs Snakemake on two cores."""
        return [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]

    def planned(self, *arguments: str) -> dict[str, int]:
        """Return how many jobs of each rule a dry run lists, target rules left out."""
        done = self.snakemake("-n", *arguments)
        rows = re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, re.MULTILINE)
        return {rule: int(count) for rule, count in rows if rule not in ("total", *TARGETS)}

    def fingerprints(self) -> dict[str, str]:
        """Return the fingerprint of every stage's code as it stands in this house, by rule."""
        command = [sys.executable, "-c", FINGERPRINTS, str(self.folder), json.dumps([STAGE_OF, SCRIPT_OF])]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    def followers(self) -> dict[str, set[str]]:
        """Return the rules that use each rule's files, directly or through others, each rule itself included."""
        graph = self.snakemake("--rulegraph").stdout
        names = dict(re.findall(r'(\d+)\[label = "(\w+)"', graph))
        edges = re.findall(r"(\d+) -> (\d+)", graph)
        found = {name: {name} for name in names.values()}
        for _ in names:
            for before, after in edges:
                for name in found:
                    if names[before] in found[name]:
                        found[name].add(names[after])
        return {name: rules - set(TARGETS) for name, rules in found.items()}

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace text in a file, which must be there."""
        path = self.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def append(self, name: str, text: str) -> None:
        """Add to a file's end."""
        path = self.folder / name
        path.write_text(path.read_text() + text)

    def settings(self, **sections: object) -> None:
        """Write the user's configuration: the small settings, with whole sections replaced."""
        (self.folder / "config/config.yaml").write_text(json.dumps(SETTINGS | sections))

    def copy(self, folder: Path) -> "House":
        """Return a copy with the same times, so that nothing looks newer than it is."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return House(folder)


def environment() -> dict[str, str]:
    """Return the environment of a user's shell, without what this test run has set for itself."""
    own = ("OMP_", "PYTHONPATH", "PYTEST", "NUMBA_", "GLOG_")
    return {key: value for key, value in os.environ.items() if not key.startswith(own)}
