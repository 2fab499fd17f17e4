"""Typed tables: columns and rows of values, rendered last."""
