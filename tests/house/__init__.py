"""The rules of the house, as tests. Each rule is a function that is also shown a bad sample, so it can fail."""
