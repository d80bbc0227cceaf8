"""`bitfold build FILE.py:FUNCTION`: a user's kernel to code, without a network around it."""

from __future__ import annotations

import argparse
import ast
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bitfold import lang
from bitfold.api import Schedule, customize
from bitfold.commands.output import count
from bitfold.devices import Device, find_device
from bitfold.diagnostics import UsageError, choices
from bitfold.outputs import check_file, write_file
from bitfold.userfile import apply_schedule, find_function, load_file, split_reference

if TYPE_CHECKING:
    from bitfold.lowering.pipeline import Trace
    from bitfold.summary import Summary

TARGETS = ("llvm", "hls")
_MAKERS = ("Int", "UInt", "Fixed", "UFixed")
FORMS = ("python", "mlir", "hls", "llvm")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `bitfold build`."""
    add = parser.add_argument
    add("kernel", metavar="FILE.py:FUNCTION", help="the kernel")
    add(
        "--schedule",
        metavar="[FILE.py:]FUNCTION",
        help="a function that schedules it (none: as it is written); without a file, one beside the kernel",
    )
    add("--target", choices=TARGETS, help="llvm: header, LLVM IR and object file; hls: a C++ project")
    add(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a name in the annotations: a size, or a type of bitfold.lang",
    )
    add("--out", type=Path, metavar="DIR", help="the folder to write")
    add("--emit", choices=FORMS, help="print the program in this form and stop")
    add("--print-after", metavar="PASS", help="print the program after this pass")
    add("--csim", type=count, default=0, metavar="N", help="simulate the HLS C++ on N calls of random inputs")
    add("--seed", type=int, default=0, metavar="SEED", help="of the random inputs (0)")
    add("--device", default="zc706", metavar="NAME", help="what resources are compared with (zc706)")
    add("--json", type=Path, metavar="FILE", help="write the summary as JSON as well")


@dataclass(frozen=True)
class Built:
    """What was built. `csim` is None without a simulation, else (calls, output words that differ, detail)."""

    summary: Summary
    target: str
    folder: Path
    files: tuple[str, ...]
    csim: tuple[int, int, str] | None = None

    def as_json(self) -> dict[str, Any]:
        """The result as JSON values."""
        csim = None if self.csim is None else {"calls": self.csim[0], "mismatches": self.csim[1]}
        folder = {"target": self.target, "folder": str(self.folder), "files": list(self.files)}
        return {**self.summary.as_json(), **folder, "csim": csim}


def scheduled(kernel: str, schedule: str | None, given: list[str]) -> Schedule:
    """The schedule of a kernel, as the command line names both.

    Raises:
        UsageError: a file, function or size that is wrong.
        LanguageError, ScheduleError: what is wrong with the kernel or its schedule.
    """
    file, function = split_reference(kernel)
    module = load_file(file)
    found = find_function(module, file, function)
    if schedule is None:
        return customize(found, **values(given))
    plan, name = (
        split_reference(schedule) if ":" in schedule or schedule.endswith(".py") else (file, schedule)
    )
    same = Path(plan).exists() and Path(plan).samefile(file)
    steps = find_function(module if same else load_file(plan, "schedule file"), plan, name)
    s = customize(found, **values(given))
    apply_schedule(steps, schedule, s)
    return s


def values(given: list[str]) -> dict[str, Any]:
    """The sizes and types in NAME=VALUE texts. Raises UsageError."""
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        meant = _value(value)
        if not (equals and name.isidentifier() and meant is not None):
            raise UsageError(
                f"--set {text} sets no size and no type",
                code="BF-U005",
                remedy="write --set M=256, --set T=int16 or --set 'T=UInt(12)'",
            )
        if name in found:
            raise UsageError(f"--set gives {name} twice", code="BF-U005", remedy="drop one")
        found[name] = meant
    return found


def _value(text: str) -> Any:
    """A size above 0, or a type: a name in bitfold.lang, or a call such as UInt(12); None for others."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return None
    match node:
        case ast.Constant(value=int(size)) if not isinstance(size, bool) and size > 0:
            return size
        case ast.Name():
            return _type(getattr(lang, node.id, None))
        case ast.Call(func=ast.Name(id=maker), keywords=[]) if maker in _MAKERS and maker in lang.__all__:
            numbers = [a.value for a in node.args if isinstance(a, ast.Constant)]
            try:
                return _type(getattr(lang, maker)(*numbers)) if len(numbers) == len(node.args) else None
            except (TypeError, ValueError):
                return None
    return None


def _type(found: Any) -> Any:
    """`found` if an array can have elements of it."""
    return found if hasattr(found, "width") and hasattr(found, "signed") else None


def command(args: argparse.Namespace) -> int:
    """Run the command. Returns 0, or 1 when a simulation differs."""
    _check_options(args)
    device = find_device(args.device)
    trace = _trace(args)
    if args.out is not None:
        from bitfold.build.folder import check_folder

        check_folder(args.out)
    if args.csim:
        from bitfold.build.hls.csim import find_compiler, find_headers

        find_compiler()
        find_headers()
    s = scheduled(args.kernel, args.schedule, args.set)
    if args.emit is not None:
        sys.stdout.write(emitted(s, args.emit))
        return 0
    built = build_hls(s, args, device, trace) if args.target == "hls" else build_llvm(s, args, device, trace)
    print(_text(built, args.seed))
    if args.json is not None:
        write_file(args.json, json.dumps(built.as_json(), indent=2) + "\n", "the result")
    return 1 if built.csim is not None and built.csim[1] else 0


def build_llvm(s: Schedule, args: argparse.Namespace, device: Device, trace: Trace | None) -> Built:
    """Write the header, LLVM IR and object file."""
    from bitfold.build.llvm.library import library, write
    from bitfold.summary import summarize

    made = library(s.program, trace)
    summary = summarize(s.program, device)
    write(made, args.out)
    return Built(summary, "llvm", args.out, tuple(sorted(made.files)))


def build_hls(s: Schedule, args: argparse.Namespace, device: Device, trace: Trace | None) -> Built:
    """Write the HLS project and simulate it where that is asked for."""
    from bitfold.build.hls.simulation import HlsModule
    from bitfold.ir.samples import samples
    from bitfold.summary import summarize

    summary = summarize(s.program, device)
    given = samples(s.program, args.csim, args.seed) if args.csim else []
    if given:  # an index outside its array would harm this process: report it, before anything is written
        s.build(check="bounds")(*(a.copy() for a in given))
    made = HlsModule(s.program, args.out, trace)
    found = None
    if args.csim:
        result = made.simulate(*given)
        found = (result.images, result.mismatches, result.detail)
    return Built(summary, "hls", args.out, made.files, found)


def emitted(s: Schedule, form: str) -> str:
    """The scheduled program as Python, or as what a back end gets or writes."""
    from bitfold.ir.printer import module_text
    from bitfold.lowering.pipeline import lower_to_hls
    from bitfold.lowering.to_mlir import module_text as mlir_text

    if form == "python":
        return module_text(s.program)
    if form == "llvm":
        from bitfold.build.llvm.jit import CpuModule

        return CpuModule(s.program).code
    lowered = lower_to_hls(s.program)
    if form == "mlir":
        return mlir_text(lowered)
    from bitfold.build.hls.emit import emit

    return emit(lowered).text


def _text(built: Built, seed: int) -> str:
    lines = [str(built.summary), f"written    {built.folder}: {', '.join(built.files)}"]
    if built.csim is not None:
        calls, wrong, detail = built.csim
        of = f"{calls:,} calls of random inputs (seed {seed})"
        equal = f"{of}, all outputs equal to the CPU's, bit for bit"
        differ = f"{of}: {wrong:,} output words DIFFER from the CPU's; {detail}"
        lines.append(f"C++        {differ if wrong else equal}")
    return "\n".join(lines)


def _check_options(args: argparse.Namespace) -> None:
    """Refuse options that do not go together, before any work."""
    if args.emit is not None:
        for option in ("target", "out", "csim", "print_after", "json"):
            if getattr(args, option):
                raise UsageError(
                    f"--emit only prints the program; --{option.replace('_', '-')} has no part in it",
                    code="BF-U002",
                    remedy="drop one",
                )
        return
    for option, remedy in (("target", "--target llvm or --target hls"), ("out", "--out DIR")):
        if getattr(args, option) is None:
            raise UsageError(
                f"what is built needs --{option}",
                code="BF-U002",
                remedy=f"add {remedy}, or --emit FORM to print",
            )
    if args.csim and args.target != "hls":
        raise UsageError(
            "--csim simulates HLS C++", code="BF-U002", remedy="add --target hls, or drop --csim"
        )
    if args.json is not None:
        check_file(args.json, "the result")


def _trace(args: argparse.Namespace) -> Trace | None:
    if args.print_after is None:
        return None
    from bitfold.lowering.pipeline import HLS_STEPS, LLVM_STEPS, Trace

    steps = HLS_STEPS if args.target == "hls" else LLVM_STEPS
    if args.print_after not in steps:
        raise UsageError(
            f"there is no pass named {args.print_after!r} on the way to {args.target}",
            code="BF-U003",
            remedy=choices(args.print_after, steps),
        )
    return Trace.of(args.print_after, steps, print)
