"""What crosses between this machine and a job, there and back."""
