"""A design as data (JSON with a schema) and as one page of HTML that needs nothing else."""

from bitfold.report.content import SCHEMA, SCHEMA_VERSION, Build, Measured, content, schema
from bitfold.report.folding import folding_found, folding_of
from bitfold.report.page import page

__all__ = [
    "SCHEMA",
    "SCHEMA_VERSION",
    "Build",
    "Measured",
    "content",
    "folding_found",
    "folding_of",
    "page",
    "schema",
]
