"""Variables that Kubernetes adds for each Service, and that can look like our settings.

A Service `issuance-flower` gives every pod of its namespace `ISSUANCE_FLOWER_PORT=tcp://10.0.0.1:5555`,
`ISSUANCE_FLOWER_SERVICE_HOST` and more, unless the pod has `enableServiceLinks: false`.
"""

import re
from collections.abc import Mapping

_ADDRESS = re.compile(r"(tcp|udp|sctp)://\S+")
_PORT = "PORT"
_REST = re.compile(
    r"SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?"
)


def is_address(value: object) -> bool:
    """Whether a value is a link's address, which no setting of ours can be."""
    return isinstance(value, str) and _ADDRESS.fullmatch(value) is not None


def service_links(environment: Mapping[str, str]) -> list[str]:
    """List the variables that belong to links to Services whose names begin with `issuance`.

    Only a `…PORT` with an address shows that there is a link: a setting with a typing error stays
    unknown.
    """
    services = [
        name.removesuffix(_PORT)
        for name, value in environment.items()
        if name.startswith("ISSUANCE_") and name.endswith(f"_{_PORT}") and is_address(value)
    ]
    return sorted(
        name
        for name in environment
        if any(
            name.startswith(service) and _REST.fullmatch(name.removeprefix(service))
            for service in services
        )
    )
