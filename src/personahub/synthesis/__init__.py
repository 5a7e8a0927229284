"""Synthetic data from personas: a task is a small declarative folder, a method is how its prompt is built."""

from personahub.synthesis.brief import Brief, GivenItem
from personahub.synthesis.synthesizer import METHODS, Method, Synthesizer
from personahub.synthesis.task import Settings, Task, task_folders, task_names

__all__ = [
    "METHODS",
    "Brief",
    "GivenItem",
    "Method",
    "Settings",
    "Synthesizer",
    "Task",
    "task_folders",
    "task_names",
]
