"""One run: its identity, folder, lease, training, results."""
