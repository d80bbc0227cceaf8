"""`bitfold import`: parameters that another project trained, as a weights file."""

from __future__ import annotations

import argparse
from pathlib import Path

from bitfold.commands.output import count


def _simd(text: str) -> tuple[int, ...]:
    return tuple(count(part) for part in text.split(","))


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `bitfold import`."""
    add = parser.add_argument
    add("format", choices=("bnn-pynq",), help="who wrote the folder: bnn-pynq")
    add("folder", type=Path, metavar="DIR", help="the folder of parameters, such as cnvW1A1")
    add("--network", required=True, choices=("lfc", "cnv"), help="the network they are of")
    add("--out", type=Path, required=True, metavar="FILE", help="the weights file to write (.npz)")
    add("--classes", type=count, metavar="N", help="how many classes (lines of classes.txt, else 10)")
    add("--simd", type=_simd, metavar="N,N,...", help="SIMD of each layer, where the files leave it open")


def command(args: argparse.Namespace) -> int:
    """Read the parameters and write them. Returns the exit status."""
    from bitfold.networks.bnn_pynq import read
    from bitfold.networks.weights_io import save_weights

    found = read(args.folder, args.network, classes=args.classes, simd=args.simd)
    save_weights(args.out, found.weights)
    print(f"{args.out}: {args.network.upper()} of {found.weights.classes} classes")
    for k, ((out, fan_in), p) in enumerate(zip(found.weights.shapes, found.packings, strict=True)):
        padded = f", padded to {p.rows} x {p.columns}" if (p.rows, p.columns) != (out, fan_in) else ""
        print(f"  layer {k}: {out} x {fan_in} weights, from PE {p.pe}, SIMD {p.simd}{padded}")
    return 0
