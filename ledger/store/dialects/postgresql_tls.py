"""TLS to PostgreSQL: a server on another machine must prove that it is the one we mean.

libpq by itself only prefers TLS and verifies nothing: any server that answers for the host gets the
password or its proof, and every customer and voucher.
"""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import certifi
from psycopg.pq import Conninfo

from issuance.loopback import is_loopback

_VERIFYING = ("verify-ca", "verify-full")
_SYSTEM = "system"
_LIBPQS_OWN = "~/.postgresql/root.crt"
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, BSD
)


def tls_options(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the options of libpq that a connection leaves to us.

    A server that is not on this machine is verified, and its name too; with the system's
    authorities, if none are named. On a Unix socket libpq ignores them.

    Args:
        given: libpq's options, from the URL.
    """
    options = {} if "sslmode" in given or _is_local(given) else {"sslmode": "verify-full"}
    mode = options.get("sslmode") or given.get("sslmode")
    if mode in _VERIFYING and given.get("sslrootcert", _default_root()) in ("", _SYSTEM):
        options["sslrootcert"] = system_bundle()
    return options


def system_bundle() -> str:
    """Return the file with the system's authorities, or OpenSSL's `SSL_CERT_FILE`, or certifi's.

    The OpenSSL in psycopg's wheel looks for them where no system has them, so that libpq's own
    `sslrootcert=system` finds none.
    """
    named = ssl.get_default_verify_paths().cafile
    found = (file for file in (named, *_BUNDLES) if file and Path(file).is_file())
    return next(found, certifi.where())


def _is_local(given: Mapping[str, Any]) -> bool:
    """Whether every server of the options, or of libpq's environment, is on this machine."""
    if "service" in given:
        return False
    hosts = str(given.get("hostaddr") or given.get("host") or _environments_hosts())
    return all(
        not host or host.startswith(("/", "@")) or is_loopback(host) for host in hosts.split(",")
    )


def _environments_hosts() -> str:
    defaults = _defaults()
    return defaults.get("hostaddr") or defaults.get("host") or ""


def _default_root() -> str:
    """Return what libpq takes if it is given no authorities; "" if it has none."""
    own = Path(_LIBPQS_OWN).expanduser()
    return _defaults().get("sslrootcert") or (str(own) if own.is_file() else "")


def _defaults() -> dict[str, str]:
    """Return libpq's values for absent options: from PG… variables and its service file."""
    return {
        option.keyword.decode(): option.val.decode()
        for option in Conninfo.get_defaults()
        if option.val
    }
