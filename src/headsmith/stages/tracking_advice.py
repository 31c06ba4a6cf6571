"""What a person should know of a tracked clip: why it cannot be used, or what is odd about it."""

from headsmith.bridges.track import OK
from headsmith.contract.errors import UserError
from headsmith.media.progress import note
from headsmith.stages.tracking_causes import Case, Cause, find_given, find_swap, tell_pixels
from headsmith.stages.tracking_output import Tracked

PLAUSIBLE = (1.0, 12.0)
"""Focal lengths of face crops, in sides of the frames: from a wide lens' whole picture to a far face through a long one."""
USUAL = 3.0
"""Mean error, percent of the eye distance, above which a clip is worth a look; 1 to 1.5 is usual."""
SPANS = 6
"""Runs of frames that a message lists."""
PICTURES = "the clip's quality pictures of landmarks and tracking"
FACES = (
    f"look at these frames in {PICTURES} (a hand before the face, a face in profile, another face); "
    "cut the clip by start and end, point at the person (column `person`), or raise tracking.max_bad"
)


def advise(case: Case, most_bad: float) -> list[str]:
    """Return what is odd about a clip that was tracked, a sentence each, and say it.

    Args:
        case: The clip.
        most_bad: Largest share of frames that may be bad.

    Raises:
        UserError: More frames are bad, or the head is seen from behind; with the cause, as far as it can be found.
    """
    error = find_error(case, most_bad)
    if error is not None:
        raise error
    remarks = list_remarks(case)
    for remark in remarks:
        note(f"{case.clip}: {remark}")
    return remarks


def find_error(case: Case, most_bad: float) -> UserError | None:
    """Return why the clip cannot be used, None where it can."""
    bad, count = case.tracked.reasons, len(case.tracked.track.ids)
    what = f"{len(bad)} of {count} frames cannot be tracked ({tell_bad(case)}); at most {most_bad:.0%} may"
    if len(bad) > most_bad * count:
        cause = find_swap(case) or find_given(case)
        told = Cause(f"{what}. {cause.what}", cause.remedy) if cause else Cause(what, FACES)
    elif seen_from_behind(case.tracked) > 0.5:
        told = find_swap(case) or Cause("the landmarks fit the back of a head alone", FACES)
    else:
        return None
    return UserError(told.what, clip=case.clip, file=case.landmarks, remedy=told.remedy)


def seen_from_behind(tracked: Tracked) -> float:
    """Return the share of the frames with landmarks in which the head's front, +z, points away from the camera."""
    return float((tracked.track.rotation[tracked.seen.usable, 2, 2] > 0).mean())


def list_remarks(case: Case) -> list[str]:
    """Return what is odd about a clip that can be used."""
    track, cause = case.tracked.track, find_given(case)
    remarks = [f"{cause.what}; {cause.remedy}"] if cause else []
    error = case.tracked.inner_errors[case.tracked.ok].mean()
    if error > USUAL:
        remarks.append(f"the landmarks are met to {error:.1f} % of the eye distance; 1 to 1.5 % is usual: look at {PICTURES}")
    sides = track.focal / track.size[0]
    if case.given.focal is None and not PLAUSIBLE[0] <= sides <= PLAUSIBLE[1]:
        told = f"the focal length was sought and ended at {tell_pixels(track.focal / case.scale, 2)} of the video"
        told += f", {sides:.1f} sides of the frames: landmarks of a head that hardly turns do not tell it"
        remarks.append(f"{told}; if you know it, write it in the column `focal`")
    return remarks


def tell_bad(case: Case) -> str:
    """Return how many frames are bad and which, by status, and when: seconds from the clip's start, where they are known."""
    track, told = case.tracked.track, []
    for status in sorted({*track.status} - {OK}):
        ids = [int(frame) for frame, own in zip(track.ids, track.status, strict=True) if own == status]
        told.append(f"{len(ids)} {status}: {tell_runs(ids)}")
    bad = [int(frame) for frame, own in zip(track.ids, track.status, strict=True) if own != OK]
    if case.fps and bad:
        told.append(f"{bad[0] / case.fps:.1f} s to {bad[-1] / case.fps:.1f} s")
    return "; ".join(told)


def tell_runs(ids: list[int]) -> str:
    """Return ascending numbers as runs: ``3, 9-12``; the first few."""
    runs: list[list[int]] = []
    for number in ids:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    told = ", ".join("-".join(map(str, run)) for run in runs[:SPANS])
    return told if len(runs) <= SPANS else f"{told} and {len(runs) - SPANS} runs more"
