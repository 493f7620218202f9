"""The commands of `python -m actfn`, a module each; each is imported when it is called."""


class UsageError(Exception):
    """What the caller can mend: one sentence on standard error, and exit status 2."""
