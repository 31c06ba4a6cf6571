"""Programs for the command line: they read options, call stages, and put their files where they were asked for."""
