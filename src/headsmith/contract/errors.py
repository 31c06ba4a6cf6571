"""The one error a person is meant to read."""

from os import PathLike

LINE_END = "\n"


def printable(text: str, keep: str = "") -> str:
    """Return a text whose control characters, line ends and the like are written out, so that a file's name moves no cursor.

    Args:
        text: What is to be shown.
        keep: Characters that stay all the same.
    """
    return "".join(sign if sign.isprintable() or sign in keep else sign.encode("unicode_escape").decode() for sign in text)


class UserError(Exception):
    """Something the user can mend: says what is wrong, with which clip and file, and what to do.

    Raised for bad input and missing assets; adapters print it without a traceback and exit with a non-zero status.

    Args:
        what: One sentence: what is wrong, with the values that show it.
        clip: Name of the clip, where one is concerned.
        file: The file concerned.
        remedy: What the reader can do about it.
    """

    def __init__(
        self,
        what: str,
        *,
        clip: str | None = None,
        file: str | PathLike[str] | None = None,
        remedy: str | None = None,
    ) -> None:
        self.what = what
        self.clip = clip
        self.file = None if file is None else str(file)
        self.remedy = remedy
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The whole message, a line for each part that is known."""
        lines = [printable(self.what, LINE_END)]
        if self.clip:
            lines.append(f"  clip:   {printable(self.clip)}")
        if self.file:
            lines.append(f"  file:   {printable(self.file)}")
        if self.remedy:
            lines.append(f"  remedy: {printable(self.remedy, LINE_END)}")
        return "\n".join(lines)
