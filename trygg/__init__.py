"""The platform: one honest chain from what residents say to what was done about it."""
