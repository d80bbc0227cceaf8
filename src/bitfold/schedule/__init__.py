"""Schedules: how a kernel is laid out in hardware, by primitives that are proved to keep its results."""

from bitfold.lang.layouts import Partition
from bitfold.schedule.schedule import Loop, Schedule, Step, customize

__all__ = ["Loop", "Partition", "Schedule", "Step", "customize"]
