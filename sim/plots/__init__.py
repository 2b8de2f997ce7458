"""Charts of a run. Matplotlib is imported here and nowhere else."""
