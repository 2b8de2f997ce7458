"""Transmitters and losses against closed forms.

`experiments` lists what is sent over what and what theory expects of it; `road` lets an engine
carry it; `interval` says what was measured and how sure that is.
"""
