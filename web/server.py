"""`issuance run web`: serves the console until SIGTERM."""

import structlog
import uvicorn

from operations.services import Services
from web.app import make_app
from web.site import Site

log = structlog.get_logger("issuance.web")

_GRACE_SECONDS = 3


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
        uvicorn.run(
            make_app(Site(services, ledger, url)),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        log.info("web_stopped")
