"""Statistics for community-safety work: arrays in, frozen results out."""

__version__ = "0.1.0"
