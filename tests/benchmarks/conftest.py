"""Benchmarks are scripts beside each other: their folder on the path is all that they need."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
