"""Looking into files nobody has vouched for, in worker processes with bounded memory and time.

`crew` lives in the house and hands out the work; everything else here runs in a worker, which imports Pillow and
PyAV and nothing of the house besides this package. It therefore must not import the packages above it.
"""
