"""Python source to loop IR."""

from bitfold.frontend.parse import parse

__all__ = ["parse"]
