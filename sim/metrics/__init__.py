"""Measures of a run, its books, and its verdict: counts in, figures out.

Nothing here reads or writes a file, and nothing here knows how packets are carried.
"""
