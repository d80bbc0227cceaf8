"""Run a network: compile it, classify images on the CPU, write its HLS project, and simulate that in C++."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bitfold.autofold import Chosen, Requirement, choose, schedule_file
from bitfold.build.hls.csim import CsimResult, csim, find_compiler, find_headers
from bitfold.build.hls.project import Plan, Vectors, check_folder, plan, write
from bitfold.build.llvm.jit import CpuModule
from bitfold.build.zc706.device import ZC706
from bitfold.devices import Device, find_device
from bitfold.diagnostics import DataError, UsageError
from bitfold.ir.nodes import Program
from bitfold.lowering.pipeline import HLS_STEPS, LLVM_STEPS, Trace, lower_to_hls
from bitfold.model.cycles import Model, model
from bitfold.model.fifos import auto_depths, set_depths
from bitfold.model.resources import Estimate, estimate
from bitfold.model.simulate import Simulation, simulate
from bitfold.networks import datasets
from bitfold.networks.catalog import AUTO, Network, apply_schedule, find_network, find_schedule
from bitfold.networks.datasets import Dataset
from bitfold.networks.weights_io import Weights
from bitfold.schedule import Schedule, customize

FASTEST = Requirement(fastest=True)
GOLDEN_IMAGES = 16
SIMULATED, SIMULATED_CYCLES = 8, 1 << 18
REPORT = "report.html"
"""What a report is called in the folder of its project."""

_CHUNK = 2000


@dataclass(frozen=True)
class Options:
    """What to run. `out` None means out/<network>-<schedule> in the current folder.

    With `fifo` "auto" streams get the least depths that keep the network as fast as it can be. The schedule
    AUTO finds the cheapest folding that meets `requirement` on the device, a name or a path.
    """

    network: str
    schedule: str
    data: Sequence[Path] | None = None
    labels: Path | None = None
    weights: Path | None = None
    images: int | None = None
    csim: int = 0
    out: Path | None = None
    print_after: str | None = None
    fifo: str = "given"
    device: str = "zc706"
    requirement: Requirement = FASTEST


@dataclass(frozen=True)
class Result:
    """What a run found.

    `csim` is None when no C++ simulation was asked for, `simulated` when the kernels run one after
    another, or for so long that it would take a while, `folding` when a schedule says it. `program` is the
    scheduled one, and `cpp` the C++ made of it.
    """

    network: Network
    schedule: str
    device: Device
    model: Model
    resources: Estimate
    simulated: Simulation | None
    data: str
    images: int
    accuracy: float | None
    cpu_images_per_s: float
    compile_s: float
    hls_s: float
    hls_dir: Path
    csim: CsimResult | None
    program: Program = field(repr=False)
    unscheduled: Program = field(repr=False)
    cpp: str = field(repr=False)
    scores: NDArray[np.int16] = field(repr=False)
    labels: NDArray[np.uint8] = field(repr=False)
    folding: Chosen | None = None

    def _repr_html_(self) -> str:
        from bitfold.networks.report import notebook

        return notebook(self)


def scheduled(options: Options) -> tuple[Network, Weights, Schedule]:
    """The network with its schedule applied.

    Raises:
        UsageError, DataError, ScheduleError: an unknown name, bad weights, a schedule that is not legal.
    """
    network, weights, s, _ = folded(options)
    return network, weights, s


def folded(options: Options) -> tuple[Network, Weights, Schedule, Chosen | None]:
    """The same, and the folding that was found when the schedule is AUTO."""
    network = find_network(options.network)
    device = find_device(options.device)
    function = None if options.schedule == AUTO else find_schedule(options.schedule)
    weights = network.load_weights(options.weights)
    s = customize(network.build(weights))
    if function is None:
        return network, weights, s, choose(s, device, options.requirement)
    apply_schedule(function, options.schedule, s)
    return network, weights, s, None


def with_depths(options: Options, program: Program) -> Program:
    """The scheduled program with the stream depths that the options ask for."""
    if options.fifo != "auto" or not program.top.concurrent:
        return program
    return set_depths(program, auto_depths(program))


def load_images(options: Options, network: Network, classes: int) -> Dataset:
    """The images to classify: the user's, else the bundled test set; `images` of them."""
    if options.data is None:
        data = network.test_set()
    else:
        data = datasets.load(options.data, options.labels, network.image, classes=classes)
    if options.images is not None:
        if options.images > len(data):
            raise UsageError(
                f"{options.images} images are asked for, but {data.name} has {len(data)}",
                code="BF-U016",
                remedy=f"--images 1 to {len(data)}",
            )
        data = data.take(options.images)
    if not len(data):
        raise DataError(
            f"{data.name} holds no images", code="BF-D009", remedy="give a file with at least one image"
        )
    if options.csim > len(data):
        raise UsageError(
            f"--csim {options.csim} asks for more images than the {len(data)} there are",
            code="BF-U016",
            remedy=f"--csim 1 to {len(data)}",
        )
    return data


def run(options: Options, console: Console) -> Result:
    """Do the whole run. Long work shows a progress bar when `console` is a terminal."""
    trace = _trace(options)
    check_folder(project_folder(options))
    if options.csim:
        find_compiler()
        find_headers()
    device = find_device(options.device)
    start = time.perf_counter()
    with _status(console, "scheduling"):
        network, weights, s, folding = folded(options)
    if folding is not None:
        start += folding.seconds
    began = time.perf_counter()
    with _status(console, "finding the least stream depths"):
        program = with_depths(options, s.program)
    start += time.perf_counter() - began
    compiled = CpuModule(program, trace)
    compile_s = time.perf_counter() - start
    data = load_images(options, network, weights.classes)
    images = network.inputs(data)
    scores, labels, rate = classify(compiled, images, weights.classes, console)
    accuracy = None if data.labels is None else float((labels == data.labels).mean())

    start = time.perf_counter()
    count = min(len(data), options.csim or GOLDEN_IMAGES)
    golden = Vectors(
        inputs={"x": images[:count]},
        outputs={"scores": scores[:count], "label": labels[:count, None]},
    )
    notes = {f"{schedule_file.NAME}.py": schedule_file.schedule_text(folding)} if folding else {}
    project = hls_plan(program, network.name, golden, trace, device, notes)
    folder = write(project, project_folder(options))
    hls_s = time.perf_counter() - start
    simulated = None
    if options.csim:
        with _status(console, "compiling and running the C++ simulation"):
            simulated = csim(folder)
    closed = model(program, device.clock_mhz)
    return Result(
        network=network,
        schedule=options.schedule,
        device=device,
        model=closed,
        resources=estimate(program),
        simulated=_simulated(program, closed),
        data=data.name,
        images=len(data),
        accuracy=accuracy,
        cpu_images_per_s=rate,
        compile_s=compile_s,
        hls_s=hls_s,
        hls_dir=folder,
        csim=simulated,
        program=program,
        unscheduled=customize(network.build(weights)).program,
        cpp=project.files[f"{network.name}.cpp"].decode(),
        scores=scores,
        labels=labels,
        folding=folding,
    )


def _simulated(program: Program, closed: Model) -> Simulation | None:
    """The second grade of the model, where it takes no longer than a second or two."""
    if not program.top.concurrent or closed.interval_cycles > SIMULATED_CYCLES:
        return None
    return simulate(program, images=SIMULATED)


def hls_plan(
    program: Program,
    name: str,
    golden: Vectors,
    trace: Trace | None = None,
    device: Device = ZC706,
    notes: Mapping[str, str] | None = None,
) -> Plan:
    """The HLS project of a scheduled network; `notes` are texts that go into its folder."""
    return plan(lower_to_hls(program, trace), golden, name, device, notes)


def classify(
    compiled: CpuModule, images: NDArray[np.uint8], classes: int, console: Console
) -> tuple[NDArray[np.int16], NDArray[np.uint8], float]:
    """Scores (N, classes), labels (N,) and images per second, packing of the input included."""
    scores = np.zeros((len(images), classes), np.int16)
    labels = np.zeros((len(images), 1), np.uint8)
    compiled(images[:1], scores[:1], labels[:1])  # the first call touches the constants
    spent = 0.0
    with _progress(console) as progress:
        task = progress.add_task("classifying on the CPU", total=len(images))
        for start in range(0, len(images), _CHUNK):
            part = slice(start, start + _CHUNK)
            began = time.perf_counter()
            compiled(images[part], scores[part], labels[part])
            spent += time.perf_counter() - began
            progress.update(task, advance=len(images[part]))
    return scores, labels[:, 0], len(images) / max(spent, 1e-9)


def project_folder(options: Options) -> Path:
    """Where the HLS project goes."""
    if options.out is not None:
        return options.out
    schedule = options.schedule.rpartition(":")[2].removesuffix(".py").replace("/", "_")
    return Path("out") / f"{options.network}-{schedule}"


def _trace(options: Options) -> Trace | None:
    if options.print_after is None:
        return None
    steps = tuple(dict.fromkeys((*LLVM_STEPS, *HLS_STEPS)))
    return Trace.of(options.print_after, steps, lambda text: print(text, file=sys.stdout))


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def _status(console: Console, what: str) -> Iterator[None]:
    if console.is_terminal:
        with console.status(what):
            yield
    else:
        yield
