"""What makes a clip unfit for frames, said before or after they are cut."""

import math
from typing import NoReturn

import numpy as np

from headsmith.contract.errors import UserError
from headsmith.contract.settings import FramesSettings
from headsmith.media.crops import Box, median_side
from headsmith.media.progress import note
from headsmith.media.sources import Source
from headsmith.stages.frames_person import Choice, told_place
from headsmith.stages.frames_search import Look, overlap

MOST_MISSING = 0.5
"""A clip is refused when over this share of the searched frames does not show the face; `landmarks` has finer limits."""
MOST_DISPUTED = 0.1
"""It is refused when in over this share of the frames that both detectors see faces in they do not mean the same."""
MOST_TOLD = 5
"""So many moments are listed in a message."""


def check_decoded(source: Source, least: float) -> None:
    """Compare what decoded with what the header promised: tell of a small lack, refuse a large one.

    Args:
        source: After an iteration.
        least: The smallest share of the promised frames that must decode.

    Raises:
        UserError: No frame decoded, or a smaller share.
    """
    decoded, expected = source.decoded, source.expected_decoded
    check_any(source, decoded)
    if decoded < math.floor(expected * least):
        what = f"the video is truncated or damaged: {decoded} of {expected} frames decode, under {least:.0%}"
        remedy = "fetch or copy the video again, set `end` before the damage, or lower frames.min_decoded"
        raise UserError(what, clip=source.clip, file=source.path, remedy=remedy)
    if decoded < expected - 1:
        note(f"{source.clip}: {decoded} of {expected} frames of {source.path} decode; the clip is made of those")


def check_any(source: Source, count: int) -> None:
    """Refuse a clip without a frame.

    Raises:
        UserError: ``count`` is 0.
    """
    if count == 0:
        remedy = "correct start and end in the table of clips, and play the video to see whether it is whole"
        raise UserError("no frame of the clip decodes", clip=source.clip, file=source.path, remedy=remedy)


def check_faces(choice: Choice, source: Source, settings: FramesSettings) -> None:
    """Refuse a clip whose face is missing in most searched frames, or too small.

    Raises:
        UserError: As said.
    """
    seen, searched = len(choice.seen), len(choice.boxes)
    if searched - seen > MOST_MISSING * searched or not seen:
        remedy = "use a part of the video (start, end) in which one face looks at the camera, large and lit"
        if settings.second_opinion == "none":
            remedy += "; for turned or dark faces, set frames.second_opinion to mtcnn"
        what = f"no face in {searched - seen} of {searched} searched frames"
        raise UserError(what, clip=source.clip, file=source.path, remedy=remedy)
    side = median_side(np.array(choice.seen)) * source.size[0] / source.source_size[0]
    if side < settings.min_face:
        what = f"the face is too small: {side:.0f} pixels, at least {settings.min_face} are needed"
        remedy = "use a closer or larger video, or raise frames.max_side where the video is larger than that"
        raise UserError(what, clip=source.clip, file=source.path, remedy=remedy)


def compare_opinions(looks: list[Look], choice: Choice, source: Source) -> list[str]:
    """Compare the chosen faces with MTCNN's and return what the user should know, a sentence each.

    Raises:
        UserError: Where both see faces, they mean different ones in too many of the searched frames.
    """
    pairs = [(look, box) for look, box in zip(looks, choice.boxes, strict=True) if look.others is not None]
    both = [(look, box) for look, box in pairs if box in look.faces and look.others]
    disputed = [(look, box) for look, box in both if not any(overlap(box, other) for other in look.others)]
    if len(disputed) > MOST_DISPUTED * len(both):
        refuse_disputed(disputed, len(both), source)
    alone = sum(box in look.faces and not look.others for look, box in pairs)
    facts = {
        "MTCNN sees the face elsewhere than MediaPipe": len(disputed),
        "MTCNN alone sees the face, and its box is used": choice.filled,
        "MediaPipe alone sees the face": alone,
    }
    return [f"{fact} in {count} of {len(looks)} searched frames" for fact, count in facts.items() if count]


def refuse_disputed(disputed: list[tuple[Look, Box]], compared: int, source: Source) -> NoReturn:
    """Refuse a clip in which two detectors see the face in different places.

    Raises:
        UserError: Always.
    """
    look, box = disputed[0]
    places = [told_place(found) for found in (box, look.others[0])]
    moments = tell_moments([look.seconds for look, _ in disputed])
    what = f"MediaPipe and MTCNN see the face in different places in {len(disputed)} of {compared} searched frames: {moments}; "
    what += f"in the first at {places[0]} and at {places[1]}"
    remedy = "look at the video there; use a part without it (start, end), name the place of the right one in the column "
    remedy += "`person`, give the crop yourself (column `crop`), or set frames.second_opinion to none"
    raise UserError(what, clip=source.clip, file=source.path, remedy=remedy)


def tell_moments(seconds: list[float]) -> str:
    """Return moments in words, the first ``MOST_TOLD`` of them."""
    told = ", ".join(f"{moment:.2f} s" for moment in seconds[:MOST_TOLD])
    return told + (f" and {len(seconds) - MOST_TOLD} more" if len(seconds) > MOST_TOLD else "")
