"""What is measured beside us: the least that must happen in any program that does the same work."""
