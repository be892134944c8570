"""The one kind of error that a user can mend."""


class UserError(Exception):
    """A mistake in the data, the settings or the set-up, told in words a user can act on.

    `kedro run` prints it without a traceback.

    Args:
        what: what is wrong, naming the file, row or setting.
        remedy: what to do about it.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}\n{remedy}")
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        """Both lines, also where an `OSError` is mixed in."""
        return f"{self.what}\n{self.remedy}"

    def __reduce__(self) -> tuple[type["UserError"], tuple[str, str]]:
        """Pickle with both arguments, so that the error survives a process border."""
        return type(self), (self.what, self.remedy)
