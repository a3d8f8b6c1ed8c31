"""What the platform team of Acme adds to mlpolicy."""
