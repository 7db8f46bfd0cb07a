"""Figures of what was measured, each drawn from one kept result and nothing else."""
