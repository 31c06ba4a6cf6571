"""A FlashAvatar folder, and the stages that make a clip of it."""

import json
from pathlib import Path

import numpy as np
from subject_files import Folder, write_subject

from headsmith.heads.container import save_head
from headsmith.stages.subject import accept_subject
from headsmith.stages.subject_pictures import FILES, import_pictures
from headsmith.stages.subject_tracking import import_parameters

FRAMES = 8
MANIFESTS = {"frames": "frames.json", "matte": "matte.json", "mouth_masks": "mouth.json", "head_masks": "head.json"}


def write_folder(root: Path) -> Folder:
    """Write a subject, and the head that its codes are of."""
    folder = write_subject(root / "anna", FRAMES)
    save_head(folder.head, root / "head.npz")
    return folder


def accept(folder: Folder, out: Path, *, known: bool = True, checkpoint: Path | None = None, head: Path | None = None) -> dict:
    """Look through a subject, and return the verdict."""
    accept_subject(
        clip="anna",
        subject=folder.root,
        checkpoint=checkpoint,
        head=head or folder.root.parent / "head.npz",
        known_head=known,
        output=out / "subject.json",
        picture=out / "subject.png",
        refused=out / "refused.json",
        threads=1,
    )
    return json.loads((out / "subject.json").read_text())


def take(folder: Folder, out: Path, *words: str, fps: float | None = None, checkpoint: Path | None = None) -> None:
    """Take some of an accepted subject's pictures; all where none are named."""
    common = {"clip": "anna", "subject": folder.root, "checkpoint": checkpoint, "verdict": out / "subject.json"}
    for word in words or FILES:
        own = {"manifest": out / MANIFESTS[word], "fps": fps, "min_overlap": 0.5, "threads": 2}
        import_pictures(word=word, **common, **own)


def track(folder: Folder, out: Path, checkpoint: Path | None = None) -> dict[str, np.ndarray]:
    """Take an accepted subject's parameters, and return the arrays."""
    import_parameters(
        clip="anna",
        subject=folder.root,
        checkpoint=checkpoint,
        verdict=out / "subject.json",
        head=folder.root.parent / "head.npz",
        output=out / "tracking.npz",
        summary=out / "tracking.json",
        table=out / "tracking.csv",
    )
    with np.load(out / "tracking.npz") as content:
        return dict(content)
