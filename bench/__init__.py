"""What a call costs under mlpolicy and under its peers, in one run."""
