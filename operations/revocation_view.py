"""Plans and results of bulk revocations for programs."""

from typing import Any

from issuance.details.points import points_number
from issuance.reward_key import EXTERNAL
from ledger.revocation_plans import REMEDIES, RevocationPlan, Sum
from operations.bulk_revocation import Progress


def plan_json(plan: RevocationPlan) -> dict[str, Any]:
    """Return a plan for programs."""
    return {
        "campaign": plan.campaign.name,
        "digest": plan.digest,
        "customers": plan.customers,
        "transactions": plan.transactions,
        **_sum_json(plan.total),
        "linesWithoutPoints": plan.points_unknown,
        "rewards": [
            {"rewardId": reward_name(reward), **_sum_json(total)}
            for reward, total in sorted(plan.rewards.items())
        ],
        "cannotBeRevoked": [
            {
                "reason": obstacle.value,
                "lines": blocked.lines,
                "example": blocked.example,
                "remedy": REMEDIES[obstacle],
            }
            for obstacle, blocked in plan.blocked.items()
        ],
    }


def result_json(plan: RevocationPlan, progress: Progress) -> dict[str, Any]:
    """Return the result of a plan for programs."""
    results = progress.results
    return plan_json(plan) | {
        "revoked": results.revoked,
        "notRevoked": results.not_revoked,
        "inDoubt": results.in_doubt,
        "refused": results.refused,
        "left": progress.left,
        "remedies": [
            {"lines": count, "remedy": remedy} for remedy, count in progress.remedies.items()
        ],
        "seconds": round(progress.seconds, 3),
    }


def reward_name(key: str) -> int | str:
    """Return a reward as rows name it: its id, or its external id."""
    return int(key) if key.isdecimal() else key.removeprefix(EXTERNAL)


def _sum_json(total: Sum) -> dict[str, Any]:
    return {
        "lines": total.lines,
        "units": total.units,
        "points": points_number(total.points),
    }
