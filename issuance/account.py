"""The name of the account that is used unless another one is given."""

DEFAULT_ACCOUNT = "default"
