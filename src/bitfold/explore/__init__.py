"""Exploration: all designs of a network that no other beats in every objective, exactly and in parallel."""

from bitfold.explore.explore import Explored, explore
from bitfold.explore.points import OBJECTIVES, Job, Point

__all__ = ["OBJECTIVES", "Explored", "Job", "Point", "explore"]
