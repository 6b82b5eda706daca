"""Everyday."""

EVERYDAY = ("recipe for apple pie", "how do I unclog a sink")
