"""What runs left behind, read and checked."""
