"""The media room: streams become packets."""
