"""Schema tooling of this project: run by the Makefile, never imported by `src/`."""
