"""Single images to look at: right and wrong, sure and unsure, and where the network found its evidence."""
