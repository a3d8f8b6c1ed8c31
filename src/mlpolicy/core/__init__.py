"""The words that every part of mlpolicy speaks."""
