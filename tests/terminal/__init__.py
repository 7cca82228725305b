"""What a person sees in a terminal: real pseudo-terminals and real pipes."""
