"""The measured workloads: each against a floor or a peer in the same run, so that a slow machine slows both.

`python -m bench` runs all of them and writes `build/bench.json`; `python -m bench B2 B8` runs some. What the figures
mean is told in `docs/benchmarks.md`.
"""
