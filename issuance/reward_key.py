"""The key of a reward: what identifies it in counters, stops and statements."""

EXTERNAL = "ext:"
"""The prefix of an external id: no rewardId begins with it."""


def reward_key(reward_id: int, external_id: str | None = None) -> str:
    """Return the key: the rewardId's digits, or the external id with its prefix if it is given."""
    return str(reward_id) if external_id is None else f"{EXTERNAL}{external_id}"


def describe_reward(key: str) -> str:
    """Return a key for people: `reward 1001`, or `reward "SUMMER" (external id)`."""
    if key.startswith(EXTERNAL):
        return f'reward "{key.removeprefix(EXTERNAL)}" (external id)'
    return f"reward {key}" if key else "rewards pruned by an older version"
