"""The control plane: SimPy processes that decide, and write down what they decided as edits."""
