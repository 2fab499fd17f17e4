"""Images and masks: from folders to a memory-mapped store, its splits and two-stream batches."""
