"""Small pieces of HTML for notebooks: whatever they show is escaped, and they need no style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_CELL = "padding:2px 8px;border-bottom:1px solid rgba(128,128,128,.35);"


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table with a caption. Numbers stand at the right, a float with two decimals; None is an empty cell.

    Without names in `head` it has no line of titles.
    """
    titles = "".join(f'<th scope="col" style="{_CELL}text-align:left">{escape(name)}</th>' for name in head)
    top = f"<thead><tr>{titles}</tr></thead>" if head else ""
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return (
        '<table style="border-collapse:collapse;font-variant-numeric:tabular-nums">'
        f'<caption style="text-align:left;font-weight:bold">{escape(caption)}</caption>'
        f"{top}<tbody>{body}</tbody></table>"
    )


def _cell(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
        return f'<td style="{_CELL}text-align:right">{text}</td>'
    return f'<td style="{_CELL}text-align:left">{escape("" if value is None else str(value))}</td>'


def code(title: str, text: str) -> str:
    """A listing that is folded away under its title."""
    return (
        f"<details><summary>{escape(title)}</summary>"
        f'<pre style="overflow-x:auto;line-height:1.35">{escape(text)}</pre></details>'
    )
