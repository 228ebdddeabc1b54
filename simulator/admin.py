"""The simulator's admin interface under `/_…`: truth, faults, switches, rewards, reset."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from simulator.faults import read_plan
from simulator.world import World

LINES_AT_ONCE = 500
Handler = Callable[[World, Request], Awaitable[Response]]


def admin_routes(world: World) -> list[Route]:
    """The admin routes, which need no authentication and meet no faults."""
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/_health", _health),
        ("GET", "/_truth", _show_truth),
        ("GET", "/_truth/summary", _show_summary),
        ("GET", "/_truth/{request_id:path}", _show_entry),
        ("GET", "/_accounts", _show_accounts),
        ("GET", "/_faults", _show_faults),
        ("POST", "/_faults", _add_faults),
        ("DELETE", "/_faults", _clear_faults),
        ("GET", "/_switches", _show_switches),
        ("POST", "/_switches", _change_switches),
        ("POST", "/_rewards/{reward_id:int}", _change_reward),
        ("POST", "/_transactions/{transaction_id:int}", _plant),
        ("POST", "/_customers", _put_customer),
        ("DELETE", "/_tokens", _revoke_tokens),
        ("POST", "/_reset", _reset),
    ]
    return [Route(path, _bind(world, handler), methods=[method]) for method, path, handler in table]


def _bind(world: World, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        try:
            return await handler(world, request)
        except (ValidationError, json.JSONDecodeError, TypeError) as error:
            return JSONResponse({"error": str(error)}, status_code=422)

    return serve


async def _health(world: World, request: Request) -> Response:  # noqa: ARG001 - one shape for all handlers
    return JSONResponse({"ok": True})


async def _show_truth(world: World, request: Request) -> Response:
    entries = world.truth.entries()
    if request.query_params.get("format") == "jsonl":
        return StreamingResponse(_lines(entries), media_type="application/jsonl")
    return JSONResponse({"requests": list(entries), "summary": world.truth.summary()})


async def _lines(entries: Iterator[dict[str, Any]]) -> AsyncIterator[str]:
    while batch := list(islice(entries, LINES_AT_ONCE)):
        yield "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in batch)


async def _show_summary(world: World, request: Request) -> Response:  # noqa: ARG001 - one shape for all handlers
    return JSONResponse(world.truth.summary())


async def _show_entry(world: World, request: Request) -> Response:
    entry = world.truth.entry(request.path_params["request_id"])
    if entry is None:
        return JSONResponse({"error": "this requestId was never seen"}, status_code=404)
    return JSONResponse(entry)


async def _show_faults(world: World, request: Request) -> Response:  # noqa: ARG001 - one shape for all handlers
    return JSONResponse(world.faults.pending())


async def _add_faults(world: World, request: Request) -> Response:
    world.faults.add(read_plan(await request.json()))
    return JSONResponse(world.faults.pending())


async def _clear_faults(world: World, request: Request) -> Response:  # noqa: ARG001 - one shape for all handlers
    world.faults.clear()
    return JSONResponse(world.faults.pending())


async def _show_switches(world: World, request: Request) -> Response:  # noqa: ARG001 - one shape for all handlers
    return JSONResponse(asdict(world.switches))


async def _change_switches(world: World, request: Request) -> Response:
    world.change_switches(await request.json())
    return JSONResponse(asdict(world.switches))


async def _change_reward(world: World, request: Request) -> Response:
    account, reward_id = request.query_params.get("account"), request.path_params["reward_id"]
    try:
        world.change_reward(reward_id, await request.json(), account)
    except KeyError:
        return JSONResponse({"error": "the catalogue has no such reward"}, status_code=404)
    return JSONResponse({"rewardId": reward_id})


async def _plant(world: World, request: Request) -> Response:
    account, number = request.query_params.get("account"), request.path_params["transaction_id"]
    try:
        world.plant(number, await request.json(), account)
    except KeyError:
        return JSONResponse({"error": "the account has no such transaction"}, status_code=404)
    return JSONResponse({"transactionId": number})


async def _put_customer(world: World, request: Request) -> Response:
    try:
        world.put_customer(await request.json(), request.query_params.get("account"))
    except KeyError:
        return JSONResponse({"error": "the catalogue has no such account"}, status_code=404)
    return JSONResponse({"ok": True})


async def _show_accounts(world: World, request: Request) -> Response:  # noqa: ARG001 - one shape for all handlers
    return JSONResponse([account.as_json() for account in world.accounts.values()])


async def _revoke_tokens(world: World, request: Request) -> Response:  # noqa: ARG001 - one shape for all handlers
    world.authenticator.revoke_tokens()
    return JSONResponse({"ok": True})


async def _reset(world: World, request: Request) -> Response:  # noqa: ARG001 - one shape for all handlers
    world.reset()
    return JSONResponse({"ok": True})
