"""Long runs that look for crashes, hangs and wrong results: each is a command, with a progress bar, and keeps a record.

The tests hold the same promises with less of it: a minute of stress, a few hundred examples. What is here takes from
minutes to hours, or needs tools that a test cannot expect. Records are in `reliability/results`; the documentation
prints them.
"""
