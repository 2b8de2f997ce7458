"""The command line: parse, call, print, exit code."""

from sim.cli.app import main

__all__ = ["main"]
