"""URLs of a PostgreSQL that several hosts serve: a primary and its standbys."""

import re
from urllib.parse import urlencode

_SEVERAL = re.compile(
    r"(?P<login>postgresql(?:\+psycopg)?://(?:[^@/?]*@)?)(?P<hosts>[^/?]*,[^/?]*)"
    r"(?P<name>/[^?]*)?(?:\?(?P<query>.*))?"
)
_HOST = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>\d+))?")
_PORT = "5432"


def with_hosts_in_query(url: str) -> str:
    """Rewrite libpq's `postgresql://one,two:5433/name` to the form that SQLAlchemy reads.

    The ledger writes, so it wants the primary among the hosts, unless `target_session_attrs` says
    otherwise.

    Raises:
        ValueError: a host cannot be read.
    """
    found = _SEVERAL.fullmatch(url)
    if found is None:
        return url
    hosts = [_read(host) for host in found["hosts"].split(",")]
    added = {
        "host": ",".join(host for host, _ in hosts),
        "port": ",".join(port for _, port in hosts),
    }
    query = found["query"] or ""
    if "target_session_attrs=" not in query:
        added["target_session_attrs"] = "read-write"
    options = "&".join(filter(None, (urlencode(added, safe=",:"), query)))
    return f"{found['login']}{found['name'] or '/'}?{options}"


def _read(text: str) -> tuple[str, str]:
    found = _HOST.fullmatch(text)
    if found is None or not found["host"]:
        raise ValueError("not a host")
    return found["host"].strip("[]"), found["port"] or _PORT
