"""`issuance run web`: serves the console until SIGTERM."""

import threading
import time
from collections.abc import Mapping
from typing import Any, Final

import structlog
import uvicorn

from operations.services import Services
from operations.uploads.store import remove_abandoned
from web.app import make_app
from web.site import Site

log = structlog.get_logger("issuance.web")

SERVING: Final[Mapping[str, Any]] = {
    "log_config": None,
    "access_log": False,
    "server_header": False,
    # A request's address is the connection's: web/proxy.py decides by it whom to trust.
    "proxy_headers": False,
    "timeout_graceful_shutdown": 3,
}
"""How uvicorn serves the console, except where."""
_SWEEP_SECONDS = 3_600


def serve_console(services: Services, *, host: str, port: int, url: str) -> None:
    """Serve the console.

    Args:
        services: this process's services.
        host: the address to listen on.
        port: the port.
        url: the address that people open.
    """
    with services.open_ledger() as ledger:
        log.info("web_started", url=url)
        threading.Thread(target=_sweep, args=(services,), daemon=True).start()
        uvicorn.run(
            make_app(Site(services, ledger, url)),
            host=host,
            port=port,
            **SERVING,
        )
        log.info("web_stopped")


def _sweep(services: Services) -> None:
    """Remove abandoned uploads, also while no page is opened."""
    while True:
        remove_abandoned(services)
        time.sleep(_SWEEP_SECONDS)
