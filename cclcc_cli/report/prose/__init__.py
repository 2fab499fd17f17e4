"""Evidence and recipes in sentences."""
