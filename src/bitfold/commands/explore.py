"""`bitfold explore`: find all designs of a network that no other beats."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from bitfold.commands.output import console, count
from bitfold.diagnostics import UsageError


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `bitfold explore`."""
    add = parser.add_argument
    add("network", help="which network")
    add(
        "--objective",
        default="fps,lut",
        metavar="A,B,...",
        help="two or more of fps, latency, lut, bram, ff, uram and dsp (fps,lut)",
    )
    add("--device", default="zc706", metavar="NAME", help="a device's name or its FILE.toml (zc706)")
    add("--budget", metavar="lut=N,bram=N", help="the most that a design may take")
    add("--weights", type=Path, metavar="FILE", help="trained weights (bundled)")
    add("--out", type=Path, metavar="DIR", help="where the results go (out/explore-<network>)")
    add("--jobs", type=count, metavar="N", help="processes on this machine (one for each core)")
    add("--cluster", metavar="ADDRESS", help="a Dask scheduler, such as tcp://host:8786, in place of --jobs")


def command(args: argparse.Namespace) -> int:
    """Explore as the options say, and print the front. Returns the exit status."""
    from bitfold.autofold.requirement import parse_budget, requirement
    from bitfold.devices import find_device
    from bitfold.explore import Job, explore
    from bitfold.explore.points import parse_objectives
    from bitfold.explore.runners import cluster, here, processes
    from bitfold.explore.terminal import progress, show
    from bitfold.networks.catalog import find_network

    if args.cluster is not None and args.jobs is not None:
        raise UsageError(
            "--jobs is for this machine and --cluster for others", code="BF-U002", remedy="drop one"
        )
    network = find_network(args.network)
    budget = requirement(budget=parse_budget(args.budget) if args.budget is not None else {}).budget
    weights = None if args.weights is None else network.load_weights(args.weights)
    objectives = parse_objectives(args.objective)
    job = Job(network.name, weights, find_device(args.device), objectives, budget)
    jobs = args.jobs or os.cpu_count() or 1
    runner = cluster(args.cluster) if args.cluster is not None else processes(jobs) if jobs > 1 else here
    folder = args.out or Path("out") / f"explore-{network.name}"
    shown = console()
    with progress(shown) as report:
        found = explore(job, folder, runner=runner, progress=report)
    show(job, found, shown)
    return 0
