"""The commands, one module each: parse, call an operation, print."""
