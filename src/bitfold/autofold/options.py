"""What the options of a run ask for."""

from __future__ import annotations

import argparse

from bitfold.autofold.requirement import parse_budget, requirement
from bitfold.autofold.result import Requirement
from bitfold.diagnostics import UsageError


def from_options(args: argparse.Namespace) -> tuple[str, Requirement]:
    """The schedule's name and what it is to reach: without a name and a requirement, fold_a."""
    budget = parse_budget(args.budget) if args.budget is not None else {}
    given = [
        option
        for option, value in (
            ("--fps", args.fps),
            ("--latency-us", args.latency_us),
            ("--max", args.max),
            ("--budget", budget),
        )
        if value
    ]
    if given and args.schedule not in (None, "auto"):
        raise UsageError(
            f"{given[0]} finds a schedule, and --schedule {args.schedule} names one",
            code="BF-U002",
            remedy="drop one; --schedule auto goes with both",
        )
    asked = requirement(fps=args.fps, latency_us=args.latency_us, fastest=args.max, budget=budget)
    return args.schedule or ("auto" if given else "fold_a"), asked
