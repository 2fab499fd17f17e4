"""Figures of a report; the only package that loads matplotlib, and ``figure`` does not."""
