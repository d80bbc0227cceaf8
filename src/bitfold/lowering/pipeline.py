"""The way from a scheduled program to a back end's input, as named steps that can each be looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from bitfold.diagnostics import UsageError, choices
from bitfold.ir.nodes import Program
from bitfold.ir.printer import program_text
from bitfold.ir.verify import verify
from bitfold.lowering.banks import bank_roms
from bitfold.lowering.bf_to_arith import bf_to_arith
from bitfold.lowering.channel_memory import channels_to_memory
from bitfold.lowering.channels import channels_to_arrays
from bitfold.lowering.depths import check_depths
from bitfold.lowering.flatten import flatten_pipelines
from bitfold.lowering.hoist import hoist_allocas
from bitfold.lowering.mlir import ir, passmanager
from bitfold.lowering.states import own_states
from bitfold.lowering.streams import streams_to_arrays
from bitfold.lowering.to_mlir import Lowered, module_text, to_mlir
from bitfold.lowering.unroll import unroll_loops
from bitfold.lowering.words import words_in_registers
from bitfold.schedule.shadow import shadow_words

LLVM_PASSES = (
    "canonicalize",
    "cse",
    "convert-scf-to-cf",
    "arith-expand",
    "convert-to-llvm",
    "reconcile-unrealized-casts",
)
_TO_LLVM: dict[str, Callable[[Program], Program]] = {
    "channels-to-arrays": channels_to_arrays,
    "streams-to-arrays": streams_to_arrays,
    "words-in-registers": words_in_registers,
    "unroll-loops": unroll_loops,
}
_TO_HLS: dict[str, Callable[[Program], Program]] = {
    "own-states": own_states,
    "shadow-words": shadow_words,
    "bank-roms": bank_roms,
    "flatten-pipelines": flatten_pipelines,
}
LLVM_STEPS = (
    "schedule",
    *_TO_LLVM,
    "to-mlir",
    "hoist-allocas",
    "channels-to-memory",
    "bf-to-arith",
    "add-entry",
    *LLVM_PASSES,
)
HLS_STEPS = ("schedule", *_TO_HLS, "to-mlir")


@dataclass(frozen=True)
class Trace:
    """Which step to show, and what to do with its text (`--print-after`)."""

    step: str
    show: Callable[[str], None]

    @staticmethod
    def of(step: str, steps: tuple[str, ...], show: Callable[[str], None]) -> Trace:
        """A trace of one of `steps`; raises UsageError that lists them when there is no such step."""
        if step not in steps:
            raise UsageError(f"there is no pass named {step!r}", code="BF-U003", remedy=choices(step, steps))
        return Trace(step, show)


def _report(trace: Trace | None, step: str, text: Callable[[], str]) -> None:
    if trace is not None and trace.step == step:
        trace.show(text())


def _lowered(
    program: Program, passes: Mapping[str, Callable[[Program], Program]], trace: Trace | None
) -> Lowered:
    """The module after these passes over the program, each of which is verified."""
    for name, step in passes.items():
        before, program = program, step(program)
        verify(program, before)
        _report(trace, name, partial(program_text, program))
    lowered = to_mlir(program)
    _report(trace, "to-mlir", lambda: module_text(lowered))
    return lowered


def lower_to_hls(program: Program, trace: Trace | None = None) -> Lowered:
    """The module that HLS C++ is written from: pipelined loop nests made single loops, `bf` arithmetic."""
    verify(program)
    _report(trace, "schedule", lambda: program_text(program))
    check_depths(program, streams=True)
    return _lowered(program, _TO_HLS, trace)


def lower_to_llvm(
    program: Program, add_entry: Callable[[Lowered], None], trace: Trace | None = None
) -> Lowered:
    """The module in the LLVM dialect. `add_entry` adds the function that the caller will look up."""
    verify(program)
    _report(trace, "schedule", lambda: program_text(program))
    check_depths(program)
    lowered = _lowered(program, _TO_LLVM, trace)
    for name, step in (
        ("hoist-allocas", hoist_allocas),
        ("channels-to-memory", channels_to_memory),
        ("bf-to-arith", bf_to_arith),
        ("add-entry", add_entry),
    ):
        step(lowered)
        lowered.module.operation.verify()
        _report(trace, name, lambda: module_text(lowered))
    for name in LLVM_PASSES:
        with lowered.context, ir.Location.unknown():
            manager = passmanager.PassManager.parse(f"builtin.module({name})")
            manager.run(lowered.module.operation)
        _report(trace, name, lambda: module_text(lowered))
    return lowered
