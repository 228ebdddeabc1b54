"""Assembles the routes into one ASGI application."""

from starlette.applications import Starlette
from starlette.routing import Route

from simulator.admin import admin_routes
from simulator.catalogue import Catalogue
from simulator.demo_catalogue import DEMO
from simulator.endpoints import IssueEndpoint, ReadEndpoint, TokenEndpoint
from simulator.reads import (
    list_issuals,
    list_transactions,
    look_up_customer,
    show_connected_transaction,
    show_issual,
    show_transaction,
)
from simulator.revocation import revoke
from simulator.switches import Switches
from simulator.world import World

CORE = "/api_gateway/rewards/core"


def create_app(catalogue: Catalogue = DEMO, switches: Switches | None = None) -> Starlette:
    """A simulator with its own state.

    Serve it with `simulator.serve`: without a real socket, a fault cannot cut the connection.
    """
    return app_of(World(catalogue, switches or Switches()))


def app_of(world: World) -> Starlette:
    """The application for an existing state, which is also available as `app.state.world`."""
    bulk, connected = IssueEndpoint(world), IssueEndpoint(world, connected=True)
    issuals = f"{CORE}/v1/management/customer/{{customer_id}}/issuals"
    reads = [
        (issuals, list_issuals),
        (f"{issuals}/{{transaction_id}}", show_issual),
        (f"{CORE}/v1/reward-transactions/{{transaction_id}}", show_transaction),
        (f"{CORE}/v1.1/reward-transactions", list_transactions),
        (f"{CORE}/v1.1/reward-transactions/{{transaction_id}}", show_connected_transaction),
        ("/v2/customers/lookup", look_up_customer),
    ]
    routes = [
        # Starlette tries routes in order: the busiest comes first.
        Route(f"{CORE}/v1/user/rewards/issue", bulk, methods=["POST"]),
        Route(f"{CORE}/v1.1/user/rewards/issue", connected, methods=["POST"]),
        Route(f"{CORE}/v1.1/user/rewards/issue/", connected, methods=["POST"]),
        Route(f"{CORE}/v1/user/reward/{{reward_id}}/issue", IssueEndpoint(world), methods=["POST"]),
        Route("/v3/oauth/token/generate", TokenEndpoint(world), methods=["POST"]),
        Route(
            f"{CORE}/v1/user/reward/revoke", ReadEndpoint(world, revoke, "revoke"), methods=["POST"]
        ),
        *(Route(path, ReadEndpoint(world, read), methods=["GET"]) for path, read in reads),
        *admin_routes(world),
    ]
    app = Starlette(routes=routes)
    app.state.world = world
    return app
