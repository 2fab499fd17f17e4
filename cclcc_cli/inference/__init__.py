"""From finished runs to masks of new images."""
