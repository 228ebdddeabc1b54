"""The API's routes as plain ASGI apps: authenticate, apply a fault, reply, count."""

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
from simulator.truth import Arrival, CallKind
from simulator.truth_entry import digest_of
from simulator.world import World

NOTHING = Reply(0, b"")
NO_CALLER = Caller("", 0)


class Endpoint:
    """What all routes share; there is no middleware, so that the simulator stays fast."""

    kind: CallKind = "read"

    def __init__(self, world: World) -> None:
        self.world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        world, call = self.world, await read_call(scope, receive)
        reply, fault = await self._serve(call)
        reply = world.distort(reply, fault)
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
        self.record(call, caller)
        fault = self.choose_fault(call, caller)
        if fault is not None:
            if fault.kind == "reset_before":
                return NOTHING, fault
            early = early_reply(fault, self.world.switches, single=self.is_single(call))
            if early is not None:
                return early, fault
        return await self._answer_in_time(call, caller, fault), fault

    async def _answer_in_time(self, call: Call, caller: Caller, fault: Fault | None) -> Reply:
        try:
            await self.wait(call, caller, self.world.delay(fault))
            return self.answer(call, caller, fault)
        except GatewayError as error:
            return gateway_reply(error)
        except RefusalError as error:
            return refusal_reply(error.status, self.world.switches, single=self.is_single(call))

    def authenticate(self, call: Call) -> Caller:
        """Return the caller; raises GatewayError."""
        return self.world.authenticator.identify(call.headers)

    def record(self, call: Call, caller: Caller) -> None:
        """Record that the call arrived."""

    def choose_fault(self, call: Call, caller: Caller) -> Fault | None:
        """The fault for this call, if any."""
        return self.world.faults.choose(call.path, None, caller.account, issuing=False)

    def is_single(self, call: Call) -> bool:  # noqa: ARG002 - issue endpoints need the call
        """Whether a refusal of the whole call has the shape of a single issue."""
        return True

    async def wait(self, call: Call, caller: Caller, seconds: float) -> None:  # noqa: ARG002 - issue endpoints need the call
        """Wait for as long as the reply is meant to take."""
        if seconds:
            await asyncio.sleep(seconds)

    def answer(self, call: Call, caller: Caller, fault: Fault | None) -> Reply:
        """The reply; may raise GatewayError or RefusalError."""
        raise NotImplementedError


class ReadEndpoint(Endpoint):
    """A route that a function serves; its calls are counted under `kind`."""

    def __init__(
        self, world: World, read: Callable[[World, Call, Caller], Reply], kind: CallKind = "read"
    ) -> None:
        super().__init__(world)
        self._read = read
        self.kind = kind

    def answer(self, call: Call, caller: Caller, fault: Fault | None) -> Reply:  # noqa: ARG002 - see Endpoint
        """Call the function."""
        return self._read(self.world, call, caller)


class TokenEndpoint(Endpoint):
    """The OAuth token endpoint, which needs no authentication."""

    kind: CallKind = "token"

    def authenticate(self, call: Call) -> Caller:  # noqa: ARG002 - see Endpoint
        """Accept every caller."""
        return NO_CALLER

    def answer(self, call: Call, caller: Caller, fault: Fault | None) -> Reply:  # noqa: ARG002 - see Endpoint
        """A new token for the right key and secret."""
        return self.world.authenticator.grant_token(
            call.body, self.world.switches.token_ttl_seconds
        )


class IssueEndpoint(Endpoint):
    """A route that issues; a `connected` one obeys the DATA-SCOPE headers."""

    kind: CallKind = "issue"

    def __init__(self, world: World, *, connected: bool = False) -> None:
        super().__init__(world)
        self._connected = connected

    def record(self, call: Call, caller: Caller) -> None:
        """Count the call for each of its requestIds, whatever its outcome."""
        self.world.truth.received(
            Arrival(caller.account, call.fields, self._reward_id(call), digest_of(call.raw))
        )

    def choose_fault(self, call: Call, caller: Caller) -> Fault | None:
        """The fault for this customer's call, if any."""
        return self.world.faults.choose(call.path, _customer_in(call), caller.account, issuing=True)

    def is_single(self, call: Call) -> bool:
        """Whether the path names one reward."""
        return self._reward_id(call) is not None

    async def wait(self, call: Call, caller: Caller, seconds: float) -> None:
        """Wait with the customer locked; a second call for it is refused with 10004."""
        account = self.world.accounts[caller.account]
        busy, lock = account.busy, account.lock_of(identifier_in(call.fields))
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
        """Read the order, process it and build the reply."""
        world = self.world
        orgs = self._orgs_in_scope(call, caller)
        forced = fault.forced if fault else None
        submission = Submission(
            caller.account,
            call.body,
            digest_of(call.raw),
            self._reward_id(call),
            orgs,
            self._connected,
            world.clock(),
            forced,
        )
        if world.truth.has_file:
            world.truth.record(submission.as_json())
        order, results = submission.process(world)
        return issue_reply(order, results, world.switches)

    def _orgs_in_scope(self, call: Call, caller: Caller) -> frozenset[int]:
        if not call.headers.get(b"content-type", b"").startswith(b"application/json"):
            raise GatewayError(415, "Content-Type must be application/json")
        self.world.authenticator.check_till(caller, call.query)
        if not self._connected:
            return frozenset({caller.org_id})
        return self.world.authenticator.orgs_for_writing(caller, call.headers)

    def _reward_id(self, call: Call) -> str | None:
        return call.parameters.get("reward_id")


def _customer_in(call: Call) -> str | None:
    identifier = identifier_in(call.fields)
    return identifier[1] if identifier else None
