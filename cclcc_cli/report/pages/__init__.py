"""Reports as a whole: from run folders to what a command shows."""
