"""What runs in the job itself."""
