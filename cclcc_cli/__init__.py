"""Semi-supervised medical image segmentation with CLCC, from a folder of images to a table."""

__version__ = "0.1.0"
