"""The Redis keys of one API account, all under `issuance:<account>:`, and their spelling in one place."""


def limits_key(account: str) -> str:
    """Name the hash of the account's rate and closings (its fields: see `lua_scripts`)."""
    return f"issuance:{account}:limits"


def lock_key(account: str, fingerprint: str) -> str:
    """Name the lock of one customer; Redis never sees the identifier, only its fingerprint."""
    return f"issuance:{account}:lock:{fingerprint}"


def halts_key(account: str) -> str:
    """Name the set of halted campaigns' ids."""
    return f"issuance:{account}:halted"
