"""Tests of how messages are sent."""
