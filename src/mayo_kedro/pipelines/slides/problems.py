"""What can be wrong with a slide, in words for the table."""


class BadSlideError(Exception):
    """The slide can't be used; the text says why, and goes to the table."""
