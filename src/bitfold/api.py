"""What a program imports from `bitfold`: customize a kernel, schedule it, build it."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from bitfold import markup
from bitfold.diagnostics import UsageError, choices
from bitfold.frontend import parse
from bitfold.ir.checks import kinds_of
from bitfold.schedule import Schedule as _Schedule

if TYPE_CHECKING:
    from bitfold.modules import CompiledKernel, HlsProject
    from bitfold.summary import Summary


Check: TypeAlias = str | Iterable[str]
"""What a build checks: "overflow", "bounds", or a tuple of both."""


class Target(enum.Enum):
    """What `Schedule.build` makes: code for this machine's CPU, or an HLS C++ project for the ZC706."""

    LLVM = "llvm"
    HLS = "hls"


class Schedule(_Schedule):
    """A schedule that can be built."""

    @overload
    def build(self, target: Literal["llvm"] = "llvm", *, check: Check = ()) -> CompiledKernel: ...

    @overload
    def build(self, target: Literal["hls"], project: str | Path, *, check: Check = ()) -> HlsProject: ...

    def build(
        self, target: str | Target = "llvm", project: str | Path | None = None, *, check: Check = ()
    ) -> Any:
        """The scheduled program, ready to be called with NumPy arrays as its kernel is.

        "llvm" compiles it for the CPU of this machine; `code` of the module is its LLVM IR. "hls" writes a
        C++ project to the folder `project`; `code` of the module is the C++, and a call compiles and
        simulates it. Both print as a summary, and show one in a notebook.

        With `check="overflow"`, `"bounds"` or a tuple of both, a call raises CheckError where a store does
        not fit its type, or an index its array: what the kernel's author wrote is built then, before any step
        of the schedule, so that the error is the one at which Python would arrive first.

        Raises:
            UsageError: an unknown target or check, or no project folder for "hls".
            BuildError: the project cannot be written; for calls of it, no compiler or no ap_int headers.
        """
        known = [t.value for t in Target]
        target = target.value if isinstance(target, Target) else target
        if target not in known:
            raise UsageError(
                f"there is no target {target!r}", code="BF-U003", remedy=choices(str(target), known)
            )
        kinds = kinds_of(check)
        program = self.origin if kinds else self.program
        if Target(target) is Target.LLVM:
            from bitfold.modules import CompiledKernel

            return CompiledKernel(program, check=kinds)
        if project is None:
            raise UsageError(
                "the HLS project needs a folder",
                code="BF-U004",
                remedy='s.build(target="hls", project="out/my-kernel")',
            )
        from bitfold.modules import HlsProject

        return HlsProject(program, Path(project), check=kinds)

    @property
    def summary(self) -> Summary:
        """The program as it is now scheduled: parameters, loops, cycles and resources."""
        from bitfold.summary import summarize

        return summarize(self.program)

    def _repr_html_(self) -> str:
        steps = "\n".join(map(str, self.trace)) or "none so far"
        return (
            self.summary._repr_html_()
            + markup.code("the scheduled program", str(self))
            + markup.code(f"{len(self.trace)} steps", steps)
        )


def customize(kernel: Any, /, **dims: Any) -> Schedule:
    """A schedule of `kernel` with the names in its annotations resolved: `customize(dense, M=256, K=784)`.

    A name stands for a size, or for a type where an annotation indexes it: `customize(scale, T=int16, N=8)`
    of `def scale(x: "T[N]", y: "T[N]")`.

    Raises:
        LanguageError: the kernel says something the language does not have.
        UsageError: a dimension or a type is missing or unknown.
    """
    return Schedule(parse(kernel, **dims))
