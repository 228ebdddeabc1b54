"""The API's routes as plain ASGI apps: authenticate, meet a fault, answer, count."""

import asyncio
from collections.abc import Callable

from starlette.types import Receive, Scope, Send

from simulator.access import Caller
from simulator.calls import Call, read_call
from simulator.customers import identifier_in
from simulator.delivery import early_reply, http_status_sent
from simulator.faults import Fault
from simulator.orders import elements_in
from simulator.replies import Reply, gateway_reply, issue_reply, refusal_reply
from simulator.statuses import CUSTOMER_BUSY, GatewayError, RefusalError
from simulator.submission import Submission
from simulator.world import World

NOTHING = Reply(0, b"")


class Endpoint:
    """What all routes share; no middleware is in the way, so that the simulator is not the bottleneck."""

    kind = "read"

    def __init__(self, world: World) -> None:
        self.world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        world, call = self.world, await read_call(scope, receive)
        reply, fault = await self._serve(call)
        reply = world.spoil(reply, fault)
        world.truth.answered(self.kind, http_status_sent(reply, fault))
        hold = world.switches.hold_seconds
        if fault is not None and fault.hold_seconds is not None:
            hold = fault.hold_seconds
        await world.delivery.deliver(call, send, reply, fault, hold)

    async def _serve(self, call: Call) -> tuple[Reply, Fault | None]:
        try:
            caller = self.authenticate(call)
        except GatewayError as error:
            return gateway_reply(error), None
        self.note(call)
        fault = self.choose_fault(call)
        if fault is not None:
            if fault.kind == "reset_before":
                return NOTHING, fault
            early = early_reply(fault, self.world.switches, single=self.is_single(call))
            if early is not None:
                return early, fault
        return await self._answer_in_time(call, caller, fault), fault

    async def _answer_in_time(self, call: Call, caller: Caller, fault: Fault | None) -> Reply:
        try:
            await self.wait(call, self.world.delay(fault))
            return self.answer(call, caller, fault)
        except GatewayError as error:
            return gateway_reply(error)
        except RefusalError as error:
            return refusal_reply(error.status, self.world.switches, single=self.is_single(call))

    def authenticate(self, call: Call) -> Caller:
        """The caller; raises GatewayError."""
        return self.world.gate.identify(call.headers)

    def note(self, call: Call) -> None:
        """Write down that the call came in."""

    def choose_fault(self, call: Call) -> Fault | None:
        """The fault this call meets, if any."""
        return self.world.faults.choose(call.path, None, issuing=False)

    def is_single(self, call: Call) -> bool:  # noqa: ARG002 - issue endpoints need the call
        """Whether a refusal of the whole call has the single issue's shape."""
        return True

    async def wait(self, call: Call, seconds: float) -> None:  # noqa: ARG002 - issue endpoints need the call
        """Take the time the answer takes."""
        if seconds:
            await asyncio.sleep(seconds)

    def answer(self, call: Call, caller: Caller, fault: Fault | None) -> Reply:
        """The reply; may raise GatewayError or RefusalError."""
        raise NotImplementedError


class ReadEndpoint(Endpoint):
    """A route answered by a function; `kind` is what its calls are counted as."""

    def __init__(
        self, world: World, read: Callable[[World, Call, Caller], Reply], kind: str = "read"
    ) -> None:
        super().__init__(world)
        self._read = read
        self.kind = kind

    def answer(self, call: Call, caller: Caller, fault: Fault | None) -> Reply:  # noqa: ARG002 - see Endpoint
        """The function's reply."""
        return self._read(self.world, call, caller)


class TokenEndpoint(Endpoint):
    """The OAuth token endpoint, which needs no authentication."""

    kind = "token"

    def authenticate(self, call: Call) -> Caller:  # noqa: ARG002 - see Endpoint
        """Anybody may ask."""
        return Caller(self.world.catalogue.org_id)

    def answer(self, call: Call, caller: Caller, fault: Fault | None) -> Reply:  # noqa: ARG002 - see Endpoint
        """A new token for the right key and secret."""
        return self.world.gate.give_token(call.body, self.world.switches.token_ttl_seconds)


class IssueEndpoint(Endpoint):
    """An issuing route; `connected` obeys the DATA-SCOPE headers."""

    kind = "issue"

    def __init__(self, world: World, *, connected: bool = False) -> None:
        super().__init__(world)
        self._connected = connected

    def note(self, call: Call) -> None:
        """Count the call for its requestIds, whatever becomes of it."""
        self.world.truth.received(
            _customer_in(call), elements_in(call.fields, self._reward_id(call))
        )

    def choose_fault(self, call: Call) -> Fault | None:
        """The fault this customer's call meets, if any."""
        return self.world.faults.choose(call.path, _customer_in(call), issuing=True)

    def is_single(self, call: Call) -> bool:
        """Whether the route names one reward in its path."""
        return self._reward_id(call) is not None

    async def wait(self, call: Call, seconds: float) -> None:
        """Take the time, holding the customer: a second call meanwhile is refused with 10004."""
        busy = self.world.busy
        lock = self.world.lock_of(identifier_in(call.fields))
        if lock in busy:
            self.world.truth.collided(elements_in(call.fields, self._reward_id(call)))
            raise RefusalError(CUSTOMER_BUSY)
        if not seconds:
            return
        if lock is not None:
            busy.add(lock)
        try:
            await asyncio.sleep(seconds)
        finally:
            busy.discard(lock)

    def answer(self, call: Call, caller: Caller, fault: Fault | None) -> Reply:
        """Read the order, issue it and say what came of it."""
        world = self.world
        orgs = self._orgs_in_scope(call, caller)
        forced = fault.forced if fault else None
        submission = Submission(
            call.body, self._reward_id(call), orgs, self._connected, world.clock(), forced
        )
        world.truth.note(submission.as_json())
        order, results = submission.process(world)
        return issue_reply(order, results, world.switches)

    def _orgs_in_scope(self, call: Call, caller: Caller) -> frozenset[int]:
        if not call.headers.get(b"content-type", b"").startswith(b"application/json"):
            raise GatewayError(415, "Content-Type must be application/json")
        self.world.gate.check_till(caller, call.query)
        if not self._connected:
            return frozenset({caller.org_id})
        return self.world.gate.orgs_for_writing(caller, call.headers)

    def _reward_id(self, call: Call) -> str | None:
        return call.parameters.get("reward_id")


def _customer_in(call: Call) -> str | None:
    identifier = identifier_in(call.fields)
    return identifier[1] if identifier else None
