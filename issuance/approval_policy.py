"""When a second person must approve: above how many units or expected points. Pure."""

from dataclasses import dataclass

from issuance.details.points import points_number


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """The deployment's ceilings; up to them one person is enough."""

    units: int | None = None
    """None: no ceiling."""
    points: int | None = None
    """In thousandths; None: no ceiling."""

    @property
    def is_set(self) -> bool:
        """Whether there is any ceiling."""
        return self.units is not None or self.points is not None

    def excess(self, units: int, points: int | None) -> str:
        """Say what is above a ceiling, for people; "" if nothing is.

        Args:
            units: the units asked for.
            points: the expected points in thousandths; None: they are not known, which is above
                any ceiling of points.
        """
        found = []
        if self.units is not None and units > self.units:
            found.append(f"{units:,} units are more than ISSUANCE_APPROVAL_UNITS={self.units}")
        if self.points is not None:
            ceiling = f"ISSUANCE_APPROVAL_POINTS={points_number(self.points)}"
            if points is None:
                found.append(f"the expected points are not known, and {ceiling}")
            elif points > self.points:
                found.append(f"{points_number(points):,} points are more than {ceiling}")
        return " and ".join(found)


NO_POLICY = ApprovalPolicy()
"""One person is always enough."""
