"""One training in several processes: each passes a part of every batch through the networks."""
