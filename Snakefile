"""headsmith: from a talking-head video to an animatable 3D Gaussian head avatar.

    video -> frames -> landmarks, matte, parsing -> masks -> tracking -> dataset -> avatar -> renders -> scores -> report

A clip's files lie below results/{clip}/, shared ones below resources/. `snakemake --list-target-rules` names what can be
asked for; config/clips.tsv holds the clips, docs/config.md explains the settings, docs/regenerate.md how to redo a stage.
"""

import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")

HOUSE = Path(workflow.current_basedir.get_path_or_uri(secret_free=True))
IS_MODULE = not workflow.modifier.is_main_snakefile()
if not (HOUSE / "src/headsmith").is_dir():
    sys.exit(f"headsmith: {HOUSE} is no folder with a clone of headsmith: clone it, and name the clone's Snakefile")
sys.path.insert(0, str(HOUSE / "src"))

from headsmith.contract import paths
from headsmith.contract.config import section
from headsmith.contract.fingerprint import fingerprint, keep, recall

recall()


report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/common_provenance.smk"
include: "rules/common_portraits.smk"


wildcard_constraints:
    clip=one_of(CLIPS),
    portrait=one_of(PORTRAITS),
    variant=one_of(VARIANTS),
    form=one_of(["ply", "npz"]),
    picture=one_of(PICTURES),
    asset=one_of(ASSETS),
    network=one_of(NETWORKS),
    export=one_of(EXPORTS),
    head=one_of(HEADS),
    iterations=r"\d+",


rule all:
    input:
        expand(paths.REPORT, clip=CLIPS),
    localrule: True


include: "rules/targets.smk"
include: "rules/assets.smk"
include: "rules/subject.smk"
include: "rules/frames.smk"
include: "rules/landmarks.smk"
include: "rules/patch_experts.smk"
include: "rules/matte.smk"
include: "rules/parsing.smk"
include: "rules/masks.smk"
include: "rules/heads.smk"
include: "rules/tracking.smk"
include: "rules/conversion.smk"
include: "rules/dataset.smk"
include: "rules/validation.smk"
include: "rules/exports.smk"
include: "rules/portraits.smk"
include: "rules/texture_space.smk"
include: "rules/avatar.smk"
include: "rules/renders.smk"
include: "rules/novel_views.smk"
include: "rules/reenactment.smk"
include: "rules/splats.smk"
include: "rules/viewer.smk"
include: "rules/scores.smk"
include: "rules/quality.smk"
include: "rules/provenance.smk"
include: "rules/reproduction.smk"
include: "rules/report.smk"


keep()


onstart:
    tell(starting())
    end_lost_jobs(workflow)


onsuccess:
    tell(finished())


onerror:
    tell(failed(log))
