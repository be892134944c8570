"""Breaking the body of an answer half-way."""

from collections.abc import Awaitable, Callable

from starlette.types import Message, Send

__all__ = ["BrokenAnswer"]


class BrokenAnswer:
    """A `send` that lets half of the body through.

    Args:
        send: passes messages on to the client.
        give_up: what happens after the first half; None to go on with one byte changed.
    """

    def __init__(self, send: Send, give_up: Callable[[], Awaitable[None]] | None) -> None:
        self._send = send
        self._give_up = give_up
        self._half = 0
        self._position = 0
        self._broken = False

    async def __call__(self, message: Message) -> None:
        """Pass a message on, unless it lies beyond the break."""
        if message["type"] == "http.response.start":
            self._half = _find_length(message) // 2
            await self._send(message)
            return
        body = message.get("body", b"")
        at = self._half - self._position
        self._position += len(body)
        if not self._broken and (at < len(body) or not message.get("more_body", False)):
            self._broken = True
            await self._break(message, body, at)
        elif not self._broken or self._give_up is None:
            await self._send(message)

    async def _break(self, message: Message, body: bytes, at: int) -> None:
        if self._give_up is None:
            changed = bytes(255 - byte for byte in body[at : at + 1])
            await self._send({**message, "body": body[:at] + changed + body[at + 1 :]})
            return
        await self._send({**message, "body": body[:at], "more_body": True})
        await self._give_up()


def _find_length(message: Message) -> int:
    lengths = [int(value) for name, value in message["headers"] if name.lower() == b"content-length"]
    return lengths[0] if lengths else 0
