"""Long runs: the proof of accuracy over all float32 inputs, and the race against other libraries."""
