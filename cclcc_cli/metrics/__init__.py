"""What a predicted mask is worth, per image."""
