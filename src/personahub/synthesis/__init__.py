"""Synthetic data from personas: a task is a small declarative folder, a method is how its prompt is built."""

from personahub.synthesis.synthesizer import Question, Synthesizer
from personahub.synthesis.task import Task, task_names

__all__ = ["Question", "Synthesizer", "Task", "task_names"]
