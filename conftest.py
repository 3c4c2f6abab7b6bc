"""Fixtures for all tests live beside the apps; this file only marks the root."""
