"""Formats of other trackers and trainers, each to or from one representation of a tracked clip."""
