"""What a clip's frames are drawn and measured with, each frame by itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from headsmith.bridges.track import Track
from headsmith.contract.errors import UserError
from headsmith.contract.settings import TrackingSettings
from headsmith.heads.container import HeadContainer
from headsmith.heads.model import HeadModel
from headsmith.heads.photometric_anchors import Anchors, choose_anchors
from headsmith.media.parallel import map_in_order
from headsmith.media.progress import progress
from headsmith.mesh.renderer_choice import open_renderer
from headsmith.stages.photometric_pictures import Pictures, open_pictures
from headsmith.stages.photometric_shifts import Shifts, measure
from headsmith.stages.photometric_skin import Skin
from headsmith.stages.photometric_views import REGION, Look, Surface, look_at

ANCHORS: Final = 250
"""Points of the face whose shifts are measured: about 8 mm apart."""


@dataclass(frozen=True)
class Scene:
    """The head, the points of its face that are measured, and the frames.

    Attributes:
        clip: Name of the clip.
        surface: The head.
        anchors: Of its face.
        pictures: The frames, or those of them that will be looked at.
        threads: Threads; their number changes no result.
    """

    clip: str
    surface: Surface
    anchors: Anchors
    pictures: Pictures
    threads: int

    def looks(self, track: Track, size: int) -> Callable[[int], Look]:
        """Return what looks at a frame."""
        return lambda place: look_at(self.surface, track, place, self.pictures, size)

    def measured(
        self, track: Track, skin: Skin, size: int, deviation: float, places: list[int], what: str | None = None
    ) -> Iterator[tuple[int, Shifts]]:
        """Yield the places of frames and what they tell, in order; those that show too little skin are left out.

        Args:
            track: Where the head is drawn.
            skin: What its skin looks like.
            size: Pixels on a side of what is drawn.
            deviation: Expected difference of colours, of 1.
            places: Which frames.
            what: What progress is told of; None: nothing is told.
        """

        def one(place: int) -> Shifts | None:
            return measure(self.looks(track, size)(place), skin, self.surface, self.anchors, deviation)

        stream = map_in_order(one, places, self.threads)
        for place, shifts in stream if what is None else progress(stream, len(places), what):
            if shifts is not None:
                yield place, shifts


def face_anchors(container: HeadContainer, clip: str, head: Path) -> Anchors:
    """Return the points of a head's face whose shifts are measured.

    Raises:
        UserError: The head does not say where its face is.
    """
    if REGION not in container.regions:
        remedy = "set tracking.photometric to false"
        raise UserError(f"the head {container.name} has no region {REGION!r}", clip=clip, file=head, remedy=remedy)
    return choose_anchors(container, REGION, ANCHORS)


@contextmanager
def open_scene(
    *,
    clip: str,
    model: HeadModel,
    anchors: Anchors,
    frames: Path,
    parsing: Path,
    beside: Path,
    settings: TrackingSettings,
    threads: int,
    places: list[int] | None = None,
) -> Iterator[Scene]:
    """Yield a clip's scene; what it keeps on disk goes when the block ends.

    Args:
        clip: Name of the clip.
        model: The head.
        anchors: Of its face.
        frames: Manifest of the frames.
        parsing: Manifest of their label maps.
        beside: The output that frames are kept beside.
        settings: The stage's settings.
        threads: Threads.
        places: Which frames will be looked at; None: any of them.

    Raises:
        UserError: Frames and label maps cannot be read or do not belong together, or the renderer cannot be opened.
    """
    surface = Surface(model.to(torch.float32), open_renderer(settings.renderer, 1))
    with open_pictures(frames, parsing, settings.photometric_size, beside, clip, places) as pictures:
        yield Scene(clip, surface, anchors, pictures, threads)
