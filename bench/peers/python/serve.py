"""A peer's side of protocol.mts: requests from stdin, answers on stdout, one line of JSON each."""

import json
import os
import sys
from collections.abc import Callable
from typing import TextIO

LONGEST_ERROR = 300


def _own_stdout() -> TextIO:
    """Reserves stdout for the protocol. Output of libraries goes to stderr instead."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return replies


def _failure(error: Exception) -> dict:
    line = " ".join(str(error).split())[:LONGEST_ERROR] or type(error).__name__
    return {"ok": False, "error": line, "missing": isinstance(error, ImportError)}


def serve(operations: dict[str, Callable[..., dict]]) -> None:
    """Answers requests until `close`. An operation receives the other fields of its request."""
    replies = _own_stdout()
    for line in sys.stdin:
        request = json.loads(line)
        op = request.pop("op")
        try:
            if op != "close" and op not in operations:
                raise ValueError(f"expected {', '.join(operations)} or close, received {op}")
            reply = {"ok": True} | (operations[op](**request) if op != "close" else {})
        except Exception as error:  # a failed operation is a reply, and the peer continues
            reply = _failure(error)
        print(json.dumps(reply), file=replies, flush=True)
        if op == "close":
            break
