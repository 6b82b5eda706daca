"""Rendering in a child process with limits, and surveys of many texts at once."""
