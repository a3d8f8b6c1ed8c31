"""What is wrong with policies, alone and against the source of functions; no code of the user's is run."""
