"""Facts that every room agrees on. Imports the standard library and PyYAML alone."""
