"""For all tests: they must not depend on how they were started."""

import signal

# A shell's background jobs ignore SIGINT, and so would all commands that a test starts and ends with Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
