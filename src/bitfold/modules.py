"""What `Schedule.build` returns: modules that can be called, printed, and shown in a notebook."""

from __future__ import annotations

from functools import cached_property

from bitfold import markup
from bitfold.build.hls.simulation import HlsModule
from bitfold.build.llvm.jit import CpuModule
from bitfold.ir.nodes import Program
from bitfold.ir.printer import program_text
from bitfold.summary import Summary, summarize


class _Shown:
    """A module that shows what it was built from."""

    program: Program

    @cached_property
    def summary(self) -> Summary:
        """Its parameters and loops, its cycles and what it takes of a device."""
        return summarize(self.program)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.program.top.name}>"


class CompiledKernel(_Shown, CpuModule):
    """A kernel compiled for the CPU; `code` is its LLVM IR, `print` shows what it is."""

    def __str__(self) -> str:
        return f"{self.summary}\ncode       LLVM IR of {len(self.code.splitlines()):,} lines, for this CPU"

    def _repr_html_(self) -> str:
        listing = markup.code("the scheduled program", program_text(self.program))
        return self.summary._repr_html_() + listing + markup.code("LLVM IR", self.code)


class HlsProject(_Shown, HlsModule):
    """A kernel's HLS C++ project; `code` is its C++, `print` shows what it is and where."""

    def __str__(self) -> str:
        return f"{self.summary}\ncode       C++ of {len(self.code.splitlines()):,} lines in {self.project}"

    def _repr_html_(self) -> str:
        listing = markup.code("the scheduled program", program_text(self.program))
        return self.summary._repr_html_() + listing + markup.code(f"C++ in {self.project}", self.code)
