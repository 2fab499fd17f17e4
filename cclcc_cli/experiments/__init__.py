"""Cells: identity, folder, training; and what runs many of them: ablations, searches."""
