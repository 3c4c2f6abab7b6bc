"""The library from the command line; the only part of it that opens files."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from tryggstat import __version__

# command -> (module in this package, one line of help). A module is imported only when
# its command is called, so that the start stays below half a second.
COMMANDS: dict[str, tuple[str, str]] = {
    "estimate": ("survey", "Means, shares, totals, ratios and quantiles of a sample."),
    "compare": ("survey", "Differences between groups of a sample, with their tests."),
    "weight": ("weighting", "Weights for non-response and to known totals."),
    "small-area": ("small_area", "Model-based estimates where answers are few."),
    "index": ("composite_index", "A composite index, and how sure every rank is."),
    "typology": ("compass", "Groups of areas that are alike, and how firm they are."),
    "similar": ("compass", "The areas most like one area, and what differs."),
    "protect": ("disclosure", "Hide small counts so that nobody can work them out."),
    "attack": ("disclosure", "Try to work out counts that were hidden."),
    "segregation": ("compass", "How unevenly groups of people live over the areas."),
    "moran": ("spatial", "Whether neighbours are alike: Moran's I."),
    "geary": ("spatial", "Whether neighbours are alike: Geary's C."),
    "getis": ("spatial", "Where high or low values lie together: Getis and Ord's G."),
    "lisa": ("spatial", "Which areas are like their neighbours, and which stand out."),
    "scan": ("scan", "Where, and when, cases lie closer than chance explains."),
    "effect": ("effects", "Whether a measure helped, or that it cannot be told."),
}


class BadInput(Exception):
    """The user's input cannot be used: one sentence with file, line and column."""


class FailedJob(Exception):
    """The input was read, but the work cannot be done: one sentence that says why."""


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run one command and return its exit code.

    Each command module has `configure(command, parser)`, which adds the options, and
    `run(command, options)`, which returns the answer: a mapping with at least `method`
    and `warnings`, and the name of its main list under `rows_in` for csv and table.
    """
    parser = argparse.ArgumentParser(prog="tryggstat", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    arguments = list(sys.argv[1:] if argv is None else argv)
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    for command, (module, summary) in COMMANDS.items():
        sub = subparsers.add_parser(command, help=summary, description=summary)
        if command == wanted:
            import_module(f"{__name__}.{module}").configure(command, sub)
            sub.add_argument(
                "--format", choices=["json", "csv", "table"], default="json"
            )
    options = parser.parse_args(arguments)
    module = COMMANDS[options.command][0]
    try:
        answer = import_module(f"{__name__}.{module}").run(options.command, options)
    except (BadInput, ConnectionError) as problem:  # the latter of --scheduler
        print(f"tryggstat {options.command}: {problem}", file=sys.stderr)
        return 2
    except FailedJob as problem:
        print(f"tryggstat {options.command}: {problem}", file=sys.stderr)
        return 1
    exit_code = int(answer.pop("exit_code", 0))
    write(answer, options.format)
    return exit_code


def write(answer: dict[str, Any], form: str) -> None:
    """Write an answer to standard output as JSON, CSV or an aligned text table."""
    rows_in = answer.pop("rows_in")
    if form == "json":
        print(json.dumps(answer, ensure_ascii=False, allow_nan=False))
        return
    from tryggstat.cli.tables import write_rows

    write_rows(answer[rows_in], form)
