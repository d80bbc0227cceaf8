"""An HLS project that can be called like the kernel it was written from: each call is a C++ simulation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bitfold.build.hls.csim import CsimResult, csim
from bitfold.build.hls.project import Plan, plan, write
from bitfold.build.hls.vectors import Vectors
from bitfold.build.llvm.jit import CpuModule
from bitfold.build.zc706.device import ZC706
from bitfold.diagnostics import BuildError, StreamError
from bitfold.ir.arguments import completed
from bitfold.ir.checks import add_checks
from bitfold.ir.effects import parameter_effects
from bitfold.ir.nodes import Program
from bitfold.ir.run import as_batch
from bitfold.lowering.pipeline import Trace, lower_to_hls
from bitfold.schedule.shadow import shadow_words


class HlsModule:
    """The HLS C++ of a program, written to the folder `project`.

    `code` is the C++ of its kernels. A call takes NumPy arrays as `CpuModule` does, simulates the C++ on them
    with g++ (seconds), checks it against the CPU's results bit for bit, and fills the outputs in. The golden
    vectors of the last call stay in the project. When the kernels keep states, which C++ starts from their
    initial values, each call simulates the calls before it as well, until `reset()`. With `check`
    ("overflow", "bounds" or both), the C++ has ports for what the checks find, and is for simulation.

    Raises:
        BuildError: the folder cannot be written; when called, no compiler or headers, or a wrong result.
        UsageError: when called with wrong arrays.
        CheckError: when called, and a check finds something. Nothing is written.
        StreamError: when called, and the kernels talk by streams and do not come to a proper end.
    """

    def __init__(
        self,
        program: Program,
        project: Path,
        trace: Trace | None = None,
        check: str | Iterable[str] = (),
    ) -> None:
        self.program = program
        self.project = project
        self._checked = add_checks(program, check)
        program = self._checked.program
        self._lowered = lower_to_hls(program, trace)
        self._params = program.arguments
        self._earlier: list[list[np.ndarray]] = []
        shadowed = shadow_words(program)  # a kernel that only sets bits of an output does not read it
        effects = parameter_effects(shadowed, shadowed.top)[: len(self._params)]
        # An array keeps what a kernel leaves alone; a stream that is only put to holds nothing before.
        given = zip(self._params, effects, strict=True)
        self._reads = [r or not w or not p.type.streamed for p, (r, w) in given]
        self._writes = [w for _, w in effects]
        self._cpu: CpuModule | None = None
        empty = [np.zeros((1, *p.type.logical.dims), p.dtype) for p in self._params]
        try:
            vectors = self._golden(empty)
        except StreamError:  # of these inputs only, perhaps: the C++ is written all the same
            vectors = self._no_images(empty)
        self._plan = self._write(vectors)

    @property
    def code(self) -> str:
        """The C++ of the kernels."""
        return self._plan.files[f"{self._plan.name}.cpp"].decode()

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the project's files."""
        return tuple(sorted(self._plan.files))

    def simulate(self, *args: Any) -> CsimResult:
        """Simulate the C++ on arrays, as a call does, and say how it compares with the CPU."""
        images = as_batch(self.program, completed(self.program, args)[0])
        count = images[0].shape[0] if images else 1
        records = self._checked.new_records(count)
        images += records
        played = [*self._earlier, [a.copy() for a in images]]
        whole = [np.concatenate(arrays) for arrays in zip(*played, strict=True)]
        self._plan = self._write(self._golden(whole))
        found = csim(self.project)
        outputs = {name: a[-count:] for name, a in found.outputs.items()}
        if not found.mismatches:
            self._checked.raise_first([outputs.pop(p.name) for p in self._checked.records])
            self._earlier = played if self.program.states else []
        return replace(found, outputs=outputs)

    def __call__(self, *args: Any) -> Any:
        complete, results = completed(self.program, args)
        images = as_batch(self.program, complete)
        found = self.simulate(*images)
        if found.mismatches:
            raise BuildError(
                f"the C++ simulation of {self.project} differs from the CPU: {found.detail}",
                code="BF-B010",
                remedy="this is a fault of Bitfold: please report it with the project folder",
            )
        for param, array, written in zip(self._params, images, self._writes, strict=False):
            if written:
                array[...] = param.decoded(found.outputs[param.name])
        return results()

    def reset(self) -> None:
        """Give the states their initial values again."""
        self._earlier = []

    def _golden(self, images: list[np.ndarray]) -> Vectors:
        """The inputs as given, and the outputs that the CPU computes from them."""
        if self._cpu is None:
            self._cpu = CpuModule(self._checked.program)
        results = [a.copy() for a in images]
        self._cpu.reset()
        self._cpu(*results)
        return self._vectors(images, results)

    def _no_images(self, arrays: list[np.ndarray]) -> Vectors:
        none = [a[:0] for a in arrays]
        return self._vectors(none, none)

    def _vectors(self, before: list[np.ndarray], after: list[np.ndarray]) -> Vectors:
        """What callers pass and get, as the test bench takes it."""
        params = self._params
        return Vectors(
            inputs={p.name: p.encoded(a) for p, a, r in zip(params, before, self._reads, strict=True) if r},
            outputs={p.name: p.encoded(a) for p, a, w in zip(params, after, self._writes, strict=True) if w},
        )

    def _write(self, golden: Vectors) -> Plan:
        made = plan(self._lowered, golden, self.program.top.name, ZC706)
        write(made, self.project)
        return made
