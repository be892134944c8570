"""What makes a result better than it is."""
