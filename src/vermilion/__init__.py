"""Vermilion (朱砂): a self-hosted studio for images and video on one balance of credits."""

__version__ = "0.1.0"
