"""From finished runs to masks of new images, scores on other data, and a file for deployment."""
