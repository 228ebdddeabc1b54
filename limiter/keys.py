"""The Redis keys: of one API account under `issuance:<account>:`, and of notices."""


def limits_key(account: str) -> str:
    """Name the hash of the account's limits; its fields are in `lua/adaptive.lua`."""
    return f"issuance:{account}:limits"


def reads_key(account: str) -> str:
    """Name the hash of the suspension of reads."""
    return f"issuance:{account}:limits:reads"


def campaign_key(account: str, campaign_id: int) -> str:
    """Name the hash of one campaign's suspension."""
    return f"issuance:{account}:limits:campaign:{campaign_id}"


def suspended_campaigns_key(account: str) -> str:
    """Name the set of the suspended campaigns' ids."""
    return f"issuance:{account}:limits:suspended"


def changes_key(account: str) -> str:
    """Name the stream of suspensions and their ends; `lua/breaker.lua` writes it."""
    return f"{limits_key(account)}:changes"


def samples_key(account: str) -> str:
    """Name the stream of samples of the account's limits."""
    return f"{limits_key(account)}:samples"


def sampled_key(account: str) -> str:
    """Name the mark that the limits were sampled."""
    return f"{limits_key(account)}:sampled"


def lock_key(account: str, fingerprint: str) -> str:
    """Name the lock of one customer; Redis never sees the identifier, only its fingerprint."""
    return f"issuance:{account}:lock:{fingerprint}"


def paused_key(account: str) -> str:
    """Name the set of what must not be called: campaigns (`ID`) and rewards (`ID:REWARD`)."""
    return f"issuance:{account}:halted"


def notices_key(campaign_id: int, reason: str) -> str:
    """Name the count of single notices of one campaign and reason in this minute."""
    return f"issuance:notices:{campaign_id}:{reason}"


def summary_key() -> str:
    """Name the mark that a round of summaries was published."""
    return "issuance:notices:summarised"


def webhook_key(webhook: str) -> str:
    """Name the hash of a webhook's failures in a row."""
    return f"issuance:webhook:{webhook}"


def webhook_pause_key(webhook: str) -> str:
    """Name what exists while a webhook is suspended."""
    return f"issuance:webhook:{webhook}:suspended"
