"""C simulation: compile a project with g++ and the ap_int headers, run its test bench, read what it saw."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bitfold.build.hls.project import read_manifest
from bitfold.build.hls.vectors import Port, parse_outputs
from bitfold.diagnostics import BuildError
from bitfold.ir.floats import MATH

# Each operation on floats rounds by itself, and functions of floats are the C library's, also of constants,
# which the compiler would compute by a library of its own.
_FLOATS = ("-ffp-contract=off", *(f"-fno-builtin-{f.value}" for f in MATH))
FLAGS = ("-std=c++14", "-O2", "-Wno-unknown-pragmas", "-Wno-unused-label", *_FLOATS)
LIKE_SYNTHESIS = ("-DBITFOLD_LIKE_SYNTHESIS",)


@dataclass(frozen=True)
class CsimResult:
    """What a C simulation found.

    `mismatches` counts output words that differ from the golden ones, `detail` describes the first. `outputs`
    maps each output to what the C++ computed, logical, with the shape (images, *logical shape); it is empty
    when words are missing from a stream. Times are in seconds.
    """

    images: int
    mismatches: int
    detail: str
    outputs: dict[str, np.ndarray]
    compile_s: float
    run_s: float


def csim(project: Path, *, like_synthesis: bool = False, timeout_s: float = 600) -> CsimResult:
    """Compile and run the test bench of a project that `write` made. Leaves the project as it is.

    `like_synthesis` simulates what synthesis sees even where that is slower to compile and run: adder trees
    for popcounts, constant arrays of ap_uint. $CXX names the compiler, $CXXFLAGS adds options.

    Raises:
        BuildError: there is no project, compiler or headers; the C++ does not compile; the test bench crashes
            or hangs.
    """
    project = Path(project)
    manifest = read_manifest(project)
    if manifest is None:
        raise BuildError(
            f"{project} is no HLS project of Bitfold", code="BF-B009", remedy="write one there first"
        )
    if why := manifest.get("csim"):
        raise BuildError(
            f"the C++ simulation runs one kernel after the other, and cannot run {manifest['name']!r}: {why}",
            code="BF-B008",
            remedy='check it on the CPU with s.build(target="llvm"), and by C/RTL co-simulation',
        )
    compiler, headers = find_compiler(), find_headers()
    work = Path(tempfile.mkdtemp(prefix="bitfold-csim-"))
    keep = False
    try:
        start = time.perf_counter()
        try:
            flags = [*FLAGS, *os.environ.get("CXXFLAGS", "").split(), *LIKE_SYNTHESIS[:like_synthesis]]
            command = [compiler, *flags, "-isystem", str(headers), "-I", str(project.resolve())]
            _compile(command, manifest["name"], work, timeout_s)
        except BuildError:
            keep = (work / "compile.log").exists()
            raise
        compiled = time.perf_counter()
        printed = _run(project, work, timeout_s)
        ran = time.perf_counter()
        ports = [Port.from_json(p) for p in manifest["ports"]]
        return _result(printed, work / "outputs.txt", ports, compiled - start, ran - compiled)
    finally:
        if not keep:
            shutil.rmtree(work, ignore_errors=True)


def find_compiler() -> str:
    """The C++ compiler: $CXX, else g++, else clang++."""
    asked = os.environ.get("CXX")
    for candidate in [asked] if asked else ["g++", "clang++"]:
        if found := shutil.which(candidate):
            return found
    if asked:
        raise BuildError(
            f"the C++ compiler {asked!r} that CXX names is not there",
            code="BF-B003",
            remedy="unset CXX, or set it to a compiler such as g++",
        )
    raise BuildError("the C simulation needs a C++ compiler", code="BF-B003", remedy="apt-get install g++")


def find_headers() -> Path:
    """The folder with ap_int.h: that of Vitis or Vivado HLS, else the one in the hls4ml package."""
    roots = [Path(os.environ[v]) for v in ("XILINX_HLS", "XILINX_VITIS_HLS") if os.environ.get(v)]
    if tool := shutil.which("vitis_hls"):
        roots.append(Path(tool).resolve().parent.parent)
    folders = [root / "include" for root in roots]
    spec = importlib.util.find_spec("hls4ml")  # importing it would load its compilers
    for place in (spec.submodule_search_locations or []) if spec else []:
        folders.append(Path(place) / "templates" / "vivado" / "ap_types")
    for folder in folders:
        if (folder / "ap_int.h").is_file():
            return folder
    raise BuildError(
        "the C simulation needs the ap_int headers", code="BF-B004", remedy="pip install 'bitfold[csim]'"
    )


def _compile(command: list[str], name: str, work: Path, timeout_s: float) -> None:
    """One translation unit of the kernels and the test bench: reading the headers twice takes longer."""
    unit = work / "csim.cpp"
    unit.write_text(f'#include "{name}.cpp"\n#include "tb.cpp"\n', encoding="utf-8")
    command = [*command, "-o", "csim", "csim.cpp"]
    try:
        done = subprocess.run(
            command, cwd=work, capture_output=True, text=True, errors="replace", timeout=timeout_s
        )
    except OSError as error:
        raise BuildError(
            f"the C++ compiler {command[0]} cannot be run: {error.strerror}",
            code="BF-B003",
            remedy="set CXX to a compiler such as g++",
        ) from None
    except subprocess.TimeoutExpired:
        raise BuildError(
            f"{Path(command[0]).name} took more than {timeout_s:g} s",
            code="BF-B006",
            remedy="simulate a smaller design",
        ) from None
    if done.returncode:
        log = work / "compile.log"
        log.write_text(" ".join(command) + "\n" + done.stderr, encoding="utf-8")
        errors = [line for line in done.stderr.splitlines() if "error:" in line]
        first = (errors or done.stderr.splitlines() or ["no message"])[0]
        raise BuildError(
            f"{Path(command[0]).name} does not compile the generated C++: {first}",
            code="BF-B005",
            remedy=f"check CXX and CXXFLAGS if they are set; the compiler's whole output is in {log}",
        )
    if not (work / "csim").exists():
        raise BuildError(
            f"{command[0]} made no program", code="BF-B003", remedy="set CXX to a compiler such as g++"
        )


def _run(project: Path, work: Path, timeout_s: float) -> str:
    try:
        done = subprocess.run(
            [str(work / "csim"), str(project.resolve() / "vectors.txt"), "outputs.txt"],
            cwd=work,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
        )
    except OSError as error:
        raise BuildError(
            f"the compiled simulation cannot be run: {error.strerror}",
            code="BF-B003",
            remedy="set CXX to a compiler for this machine, such as g++",
        ) from None
    except subprocess.TimeoutExpired:
        raise BuildError(
            f"the C simulation took more than {timeout_s:g} s", code="BF-B006", remedy="simulate fewer images"
        ) from None
    if done.returncode not in (0, 1):
        said = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise BuildError(f"the C simulation failed: {said}", code="BF-B007", remedy="write the project again")
    return done.stdout


def _result(printed: str, outputs: Path, ports: list[Port], compile_s: float, run_s: float) -> CsimResult:
    lines = printed.splitlines()
    summary = re.fullmatch(r"images=(\d+) mismatches=(\d+)", lines[-1]) if lines else None
    if summary is None:
        raise BuildError(
            "the C simulation printed no result", code="BF-B007", remedy="write the project again"
        )
    images, mismatches = int(summary[1]), int(summary[2])
    detail = next((line for line in lines if line.startswith("first mismatch")), "")
    try:
        found = parse_outputs(ports, outputs.read_text(encoding="utf-8").splitlines(), images)
    except ValueError:
        found = {}
    return CsimResult(images, mismatches, detail, found, compile_s, run_s)
