"""How frames are numbered: zero-based, in the order in which they were kept, five digits in file names."""


def frame_name(frame_id: int, suffix: str = ".png") -> str:
    """Return the file name of a frame, ``00012.png`` for 12."""
    return f"{frame_id:05d}{suffix}"
