"""What can be wrong with a FlashAvatar subject: kinds of faults with their remedies, and how many were found of each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from headsmith.contract.errors import printable

ERROR, WARNING = "error", "warning"
EXAMPLES = 5
"""Faults of a kind that are told in full; the others are counted."""
MOST_FRAMES = 200
"""Frames of a kind that are remembered, for pictures."""


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes:
        title: What is wrong, for any file.
        remedy: What its maker can do.
        severity: ``error``, or ``warning`` where FlashAvatar's code runs all the same and the result can be right.
    """

    title: str
    remedy: str
    severity: str = ERROR


KINDS: Final[dict[str, Kind]] = {
    "no_frames": Kind("there are no parameters", "put 00000.frame and those after it into the checkpoint folder"),
    "missing_number": Kind(
        "numbers are missing in the checkpoint folder",
        "number frames anew, without gaps, from 00000, and the images with them",
    ),
    "stray_file": Kind(
        "the checkpoint folder holds more than parameters",
        "move them away: FlashAvatar counts every entry of the folder as a frame",
    ),
    "unreadable": Kind("parameters cannot be read", "write them with torch.save, as a dictionary of numpy arrays"),
    "unsafe": Kind(
        "parameters name code to be run",
        "do not open them with torch.load(weights_only=False) or pickle; ask their maker for arrays and plain values",
    ),
    "missing_key": Kind("parameters lack something", "write flame.{shape,exp,jaw,eyes,eyelids}, opencv.{R,t,K} and img_size"),
    "type": Kind("arrays are not float32", "save them with .astype(numpy.float32): others break FlashAvatar's network"),
    "shape": Kind("arrays have another shape", "keep the leading axis of 1; jaw and eyes are 6D rotations, codes 300 and 100"),
    "not_finite": Kind("numbers are not finite", "leave these frames out, and number the others anew"),
    "identity_varies": Kind(
        "identity codes change within the clip", "take one person for the clip: FlashAvatar reads the first frame's alone"
    ),
    "codes_beyond_head": Kind("more codes are used than the head has", "check it with the head that it was tracked with"),
    "fov_varies": Kind(
        "the field of view changes within the clip", "track with one focal length: FlashAvatar reads the first frame's alone"
    ),
    "lens": Kind("opencv.K is no lens", "write [[fx, 0, cx], [0, fy, cy], [0, 0, 1]], in pixels"),
    "principal": Kind(
        "the principal point is not the image's centre",
        "crop the images around it: FlashAvatar takes the centre whatever K says",
        WARNING,
    ),
    "mirrored": Kind("opencv.R mirrors: its determinant is -1", "flip two axes, not one or three: diag(1, -1, -1) R"),
    "rotation": Kind("opencv.R is no rotation", "make its rows orthonormal"),
    "six_numbers": Kind(
        "jaw or eyes are no 6D rotation", "write the first two rows of the rotation matrix, one after the other"
    ),
    "rows_not_unit": Kind(
        "6D rotations of jaw or eyes have rows that are not orthonormal",
        "write rows of the matrix itself: FlashAvatar's network sees these numbers as they are",
        WARNING,
    ),
    "behind": Kind("the head is behind the camera", "use OpenCV's axes: z forward, so that t[2] is positive"),
    "eyelids": Kind("eyelids leave 0..1", "scale them to 0 (open) to 1 (closed)", WARNING),
    "image_size": Kind("img_size is not that of the images", "write the images' own height and width, and K in their pixels"),
    "missing_image": Kind(
        "images, mattes or masks are missing", "frame k needs image k + 1: imgs and alpha .jpg, parsing .png"
    ),
    "extra_image": Kind(
        "images, mattes or masks have no parameters", "leave them out, or see whether all are numbered one too high", WARNING
    ),
    "counts_off": Kind(
        "there are not as many images as frames",
        "pair frame k with image k + 1: metrical-tracker leaves the video's first frame out; others do not",
    ),
    "numbered_from_0": Kind("images are numbered from 0", "add one to their names: frame 00000 pairs with image 00001"),
    "image_broken": Kind("images, mattes or masks cannot be read", "write them anew"),
    "image_channels": Kind("images are not 8-bit RGB", "write three channels of 8 bits"),
    "sizes_differ": Kind("sizes differ", "bring images, mattes and masks to one size"),
    "not_512": Kind(
        "images are not 512x512",
        "FlashAvatar's own code has 512x512 built in: set frames.size to 512; of another program's, scale images and K",
        WARNING,
    ),
    "alpha_channels": Kind("mattes are not grey", "write one channel of 8 bits: a fourth channel breaks FlashAvatar"),
    "alpha_off_head": Kind("the matte is empty where the head is", "see that mattes are of the same crop, and not inverted"),
    "mask_channels": Kind("masks are not grey", "write one channel of 8 bits (or three that are the same), no palette"),
    "mask_values": Kind("masks hold other values than 0 and 255", "write 0 and 255; resize masks with nearest neighbours"),
    "mask_empty": Kind("the head's mask is empty", "leave these frames out, or parse them anew"),
    "mouth_empty": Kind("the mouth's mask is empty", "see whether the parser found no mouth", WARNING),
    "mouth_outside": Kind("the mouth's mask leaves the head's", "cut both from the same label maps"),
    "mouth_elsewhere": Kind(
        "the mouth's mask is not where the mouth is",
        "cut it by the parser's own order of labels: 10 is the nose for zllrunning's weights, the mouth for CelebAMask-HQ",
    ),
    "head_elsewhere": Kind(
        "the head's mask is not where the head is",
        "see that the images are the crop that was tracked, and that K, R and t are of their size",
    ),
    "time_shift": Kind(
        "images are those of other frames",
        "rename them so that frame k pairs with image k + 1: their content moves as others should",
    ),
    "few_frames": Kind(
        "too few frames for FlashAvatar's own split", "make the clip longer: it holds out the last ones", WARNING
    ),
}


@dataclass
class Found:
    """Faults of one kind: how many, the first of them, and in which frames."""

    count: int = 0
    examples: list[dict[str, str]] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)


class Faults:
    """Collects faults in memory that does not grow with their number."""

    def __init__(self) -> None:
        self._found: dict[str, Found] = {}

    def add(self, kind: str, file: str, what: str, frame: int | None = None) -> None:
        """Take a fault: a kind of ``KINDS``, the file, what is wrong with it, and the frame it is of."""
        found = self._found.setdefault(kind, Found())
        found.count += 1
        if len(found.examples) < EXAMPLES:
            found.examples.append({"file": printable(file), "what": printable(what)})
        if frame is not None and len(found.frames) < MOST_FRAMES and frame not in found.frames[-1:]:
            found.frames.append(frame)

    def kinds(self, severity: str | None = None) -> list[str]:
        """Return the kinds that were found, of one severity or of both, in the order of ``KINDS``."""
        return [kind for kind in KINDS if kind in self._found and severity in (None, KINDS[kind].severity)]

    def frames(self, kind: str) -> Sequence[int]:
        """Return the frames of a kind, the first ``MOST_FRAMES``."""
        return self._found[kind].frames

    def summary(self) -> list[dict[str, Any]]:
        """Return all kinds for a file: errors first, each with its number and examples."""
        rows = []
        for kind in (*self.kinds(ERROR), *self.kinds(WARNING)):
            facts, found = KINDS[kind], self._found[kind]
            told = {"kind": kind, "severity": facts.severity, "what": facts.title, "remedy": facts.remedy}
            rows.append(told | {"count": found.count, "examples": found.examples, "more": found.count - len(found.examples)})
        return rows

    def lines(self, severity: str) -> list[str]:
        """Return a line a kind for people: what is wrong, the first file, how many more, and the remedy."""
        lines = []
        for kind in self.kinds(severity):
            facts, found = KINDS[kind], self._found[kind]
            first = found.examples[0]
            more = f", and {found.count - 1:,} more" if found.count > 1 else ""
            lines.append(f"{kind}: {facts.title}: {first['file']}: {first['what']}{more}; {facts.remedy}")
        return lines
