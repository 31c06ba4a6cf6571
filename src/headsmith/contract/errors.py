"""The one error a person is meant to read."""

from os import PathLike


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
        lines = [self.what]
        if self.clip:
            lines.append(f"  clip:   {self.clip}")
        if self.file:
            lines.append(f"  file:   {self.file}")
        if self.remedy:
            lines.append(f"  remedy: {self.remedy}")
        return "\n".join(lines)
