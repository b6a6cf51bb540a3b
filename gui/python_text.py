"""Python source as the code view needs it: tokens by line, and the expression that stands at a place."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from pygments.lexers.python import PythonLexer

_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")

#: Kinds of tokens that look alike.
KINDS = ("keyword", "name", "definition", "builtin", "string", "number", "comment", "cell", "operator")

#: Kinds in which no expression stands.
_SILENT = ("string", "comment", "cell", "keyword")


class Span(NamedTuple):
    """A token, or the part of it that lies on one line: columns from 0, and one of :data:`KINDS`."""

    start: int
    length: int
    kind: str


@cache
def lexer() -> PythonLexer:
    """Pygments' lexer of Python; its many expressions are compiled the first time, which takes some 50 ms."""
    return PythonLexer(stripnl=False, ensurenl=False)


def spans(text: str) -> list[list[Span]]:
    """The tokens of every line of Python source; plain text between them is left out."""
    lines: list[list[Span]] = [[]]
    column = 0
    for token, piece in lexer().get_tokens(text):
        kind = _kind(token, piece)
        for i, part in enumerate(piece.split("\n")):
            if i:
                lines.append([])
                column = 0
            if part and kind:
                lines[-1].append(Span(column, len(part), kind))
            column += len(part)
    return lines


def expression_at(line: str, column: int, line_spans: list[Span]) -> str | None:
    """The dotted name whose part stands at a column, up to that part: ``model.fc`` over ``fc`` of ``model.fc.weight``.

    None in comments, strings and keywords, and where no name stands.
    """
    if any(span.start <= column < span.start + span.length and span.kind in _SILENT for span in line_spans):
        return None
    for match in _DOTTED.finditer(line):
        if match.start() > 0 and line[match.start() - 1] == ".":
            continue  # what it belongs to is no plain name: f(x).shape
        if match.start() <= column < match.end():
            end = line.find(".", column)
            return line[match.start() : match.end() if end < 0 or end > match.end() else end]
    return None


def _kind(token: object, piece: str) -> str:
    name = str(token)[len("Token.") :]
    if name.startswith("Comment"):
        return "cell" if re.match(r"#\s*%%", piece) else "comment"
    if name.startswith("Literal.String"):
        return "string"
    if name.startswith("Literal.Number"):
        return "number"
    if name.startswith("Keyword") or name == "Operator.Word":
        return "keyword"
    if name in ("Name.Function", "Name.Class", "Name.Decorator"):
        return "definition"
    if name.startswith("Name.Builtin"):
        return "builtin"
    if name.startswith("Name"):
        return "name"
    return "operator" if name.startswith(("Operator", "Punctuation")) else ""
