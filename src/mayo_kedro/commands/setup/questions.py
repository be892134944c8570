"""Asking: an option answers, else the user, else the guess."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click

from mayo_kedro.errors import UserError

NOTHING = "none"
"""What is typed where there is no such thing."""

Check = Callable[[str], str]
"""Takes an answer as typed and gives it as it is used; raises `UserError` with what is wrong."""


def accept(answer: str) -> str:
    """Take any answer."""
    return answer


@dataclass(frozen=True)
class Question:
    """Something to be told.

    Attributes:
        option: that answers it, such as "--table".
        text: of the question.
        guess: an answer that is likely; None if there is none.
        choices: all that can be answered; empty if anything can.
        check: see there.
        instead: what can be given in its place; "" if nothing can.
    """

    option: str
    text: str
    guess: str | None = None
    choices: Sequence[str] = ()
    check: Check = accept
    instead: str = ""


class Asker:
    """Finds answers.

    Args:
        takes_guesses: ask nobody.
    """

    def __init__(self, takes_guesses: bool) -> None:
        self.asks = not takes_guesses and sys.stdin.isatty()

    def ask(self, question: Question, given: str | None = None) -> str:
        """Find the answer.

        Args:
            question: what is to be told.
            given: with the option, which is never asked for then.

        Raises:
            UserError: what was given is wrong, or there is neither a guess nor somebody to ask.
        """
        if given is not None:
            return _judge(question, given)
        if not self.asks:
            if question.guess is None:
                raise UserError(
                    f"{question.text}: that can't be guessed, and nobody can be asked.", _describe(question)
                )
            return _judge(question, question.guess)
        return str(click.prompt(question.text, default=question.guess, value_proc=_as_click_asks(question)))

    def confirm(self, option: str, text: str, guess: bool, given: bool | None = None) -> bool:
        """Find out yes or no, with the option named in the question's place."""
        if given is not None:
            return given
        return click.confirm(f"{text} ({option})", default=guess) if self.asks else guess


def _judge(question: Question, answer: str) -> str:
    try:
        return _take(question, answer)
    except UserError as mistake:
        raise UserError(
            mistake.what, f"Give {question.option} another value. {mistake.remedy}".strip()
        ) from None


def _take(question: Question, answer: str) -> str:
    answer = answer.strip()
    if question.choices and answer not in question.choices:
        raise UserError(f"{question.option}: there is no {answer!r}.", _describe_choices(question.choices))
    return question.check(answer)


def _as_click_asks(question: Question) -> Callable[[str], str]:
    def take(answer: str) -> str:
        try:
            return _take(question, answer)
        except UserError as mistake:
            raise click.UsageError(str(mistake).strip()) from None  # click says so and asks again

    return take


def _describe(question: Question) -> str:
    return " ".join(
        filter(None, (f"Give {question.option}.", _describe_choices(question.choices), question.instead))
    )


def _describe_choices(choices: Sequence[str]) -> str:
    return f"There is {', '.join(map(repr, choices))}." if choices else ""
