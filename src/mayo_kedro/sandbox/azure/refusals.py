"""Answers that refuse, in the form Azure gives them."""

from typing import Any

from starlette.responses import JSONResponse

__all__ = ["describe_error", "refuse", "refuse_resource"]


def describe_error(code: str, message: str) -> dict[str, Any]:
    """The body of an error of a workspace's service.

    The list of details has to be there: the SDK's own error cannot be printed without.
    """
    return {"error": {"code": code, "message": message, "details": []}}


def refuse(status: int, message: str, code: str = "UserError") -> JSONResponse:
    """A refusal of a workspace's service."""
    return JSONResponse(describe_error(code, message), status)


def refuse_resource(status: int, code: str, message: str) -> JSONResponse:
    """A refusal of the resource manager."""
    return JSONResponse({"error": {"code": code, "message": message}}, status)
