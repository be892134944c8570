"""What is measured of the cutting of slides, and how it is told."""
