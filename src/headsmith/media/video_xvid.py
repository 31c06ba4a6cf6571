"""Writing videos as FlashAvatar's `test.py` does: MPEG-4 part 2 under the tag XVID, in an AVI."""

import av

from headsmith.media.video_writer import VideoWriter

STEP = 2
"""Quantiser step of MPEG-4, 1 (best) to 31: 2 is close to lossless to the eye."""


class XvidWriter(VideoWriter):
    """Writes RGB frames into an AVI; all else as ``VideoWriter``, whose ``crf`` and ``preset`` mean nothing here."""

    def _open(self, path: str) -> av.container.OutputContainer:
        return av.open(path, "w", format="avi", container_options={"fflags": "+bitexact"})

    def _open_stream(self, size: tuple[int, int]) -> av.VideoStream:
        stream = self._container.add_stream("mpeg4", rate=self.fps)
        stream.width, stream.height = size[0] + size[0] % 2, size[1] + size[1] % 2
        stream.pix_fmt = "yuv420p"
        stream.options = {"qmin": str(STEP), "qmax": str(STEP), "flags": "+bitexact"}
        context = stream.codec_context
        context.codec_tag = "XVID"
        context.thread_count = 1
        return stream
