"""What standard output can show."""

import os
import shutil
import sys
import textwrap


def width() -> int:
    """Columns of the terminal, or of a page where there is none."""
    return shutil.get_terminal_size((100, 24)).columns


def is_terminal() -> bool:
    """Whether someone is watching."""
    return sys.stdout.isatty()


def styled(text: str, code: str) -> str:
    """The text in bold ("1") or in a colour, on terminals that have them and whose owner wants them."""
    if not is_terminal() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\033[{code}m{text}\033[0m"


def bold(text: str) -> str:
    """A heading."""
    return styled(text, "1")


def can_show(text: str) -> bool:
    """Whether the encoding of standard output has these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def entry(label: str, text: str, indent: int = 13) -> str:
    """A label and its text, wrapped beside it; lines of the text stay lines."""
    lines = [
        line
        for part in text.splitlines()
        for line in textwrap.wrap(part, max(20, width() - indent), break_on_hyphens=False, break_long_words=False)
    ]
    head = bold(label) + " " * max(1, indent - len(label))
    return head + ("\n" + " " * indent).join(lines)
