"""The triggers of migration 0015, which count lines, units and points by reward too."""

_UNITS = "CASE WHEN quantity BETWEEN 0 AND 1000000000 THEN quantity ELSE 0 END"
_REWARD = "coalesce('ext:' || reward_external_id, CAST(reward_id AS TEXT))"


def _of(row: str, expression: str) -> str:
    """Return an expression on the columns of a trigger's row."""
    for column in ("quantity", "reward_external_id", "reward_id"):
        expression = expression.replace(column, f"{row}.{column}")
    return expression


_COUNT_NEW = f"""
INSERT INTO tallies (campaign_id, org_id, reward, state, line_count, units, points)
VALUES (NEW.campaign_id, coalesce(NEW.org_id, 0), {_of("NEW", _REWARD)}, NEW.state, 1,
        {_of("NEW", _UNITS)}, coalesce(NEW.points, 0))
ON CONFLICT (campaign_id, org_id, reward, state) DO UPDATE SET
  line_count = line_count + 1, units = units + excluded.units, points = points + excluded.points;
"""  # noqa: S608  # our text
# The row exists: the line was counted in it.
_COUNT_OLD = f"""
UPDATE tallies SET line_count = line_count - 1, units = units - {_of("OLD", _UNITS)},
  points = points - coalesce(OLD.points, 0)
WHERE campaign_id = OLD.campaign_id AND org_id = coalesce(OLD.org_id, 0)
  AND reward = {_of("OLD", _REWARD)} AND state = OLD.state;
"""  # noqa: S608
_CHANGED = f"""
SELECT campaign_id, coalesce(org_id, 0) AS org_id, {_REWARD} AS reward, state, 1 AS sign,
       {_UNITS} AS units, coalesce(points, 0) AS points FROM new_lines
"""  # noqa: S608
_GONE = _CHANGED.replace("1 AS sign", "-1 AS sign").replace("new_lines", "old_lines")
_APPEND = """
    INSERT INTO tally_deltas (campaign_id, org_id, reward, state, delta, units, points)
    SELECT campaign_id, org_id, reward, state, sum(sign), sum(sign * units), sum(sign * points)
    FROM ({lines}) AS changed GROUP BY campaign_id, org_id, reward, state
    HAVING sum(sign) <> 0 OR sum(sign * units) <> 0 OR sum(sign * points) <> 0;
"""
_FUNCTION = f"""
CREATE OR REPLACE FUNCTION tally_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN {_APPEND.format(lines=_CHANGED)}
  ELSIF TG_OP = 'DELETE' THEN {_APPEND.format(lines=_GONE)}
  ELSE {_APPEND.format(lines=f"{_CHANGED} UNION ALL {_GONE}")}
  END IF;
  RETURN NULL;
END $$
"""
_SQLITE = (
    f"CREATE TRIGGER lines_tallied_insert AFTER INSERT ON lines BEGIN {_COUNT_NEW} END",
    f"""
CREATE TRIGGER lines_tallied_update AFTER UPDATE OF state, quantity, points ON lines
WHEN OLD.state <> NEW.state OR OLD.quantity IS NOT NEW.quantity OR OLD.points IS NOT NEW.points
BEGIN {_COUNT_OLD} {_COUNT_NEW} END
""",
    f"CREATE TRIGGER lines_tallied_delete AFTER DELETE ON lines BEGIN {_COUNT_OLD} END",
)
# PostgreSQL's triggers of 0008 call the function by its name.
TRIGGERS: dict[str, tuple[str, ...]] = {"sqlite": _SQLITE, "postgresql": (_FUNCTION,)}
COUNT_ALL = f"""
INSERT INTO tallies (campaign_id, org_id, reward, state, line_count, units, points)
SELECT campaign_id, coalesce(org_id, 0), {_REWARD}, state, count(*), sum({_UNITS}),
       sum(coalesce(points, 0))
FROM lines GROUP BY campaign_id, coalesce(org_id, 0), {_REWARD}, state
"""  # noqa: S608
