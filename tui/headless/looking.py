"""What a person at a plain prompt can look into before deciding: a dry run, the REPL, worker calls, who approves."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Protocol

import msgspec

from distill_core.approval import POLICIES, PolicyApprover
from distill_core.errors import DistillError
from distill_core.plurals import count
from distill_core.probing import Probe
from distill_core.proposals import StepProposal
from distill_core.repl import Variable
from distill_core.state import SessionState
from tui.live.words import money
from tui.saying import say

PATIENCE = 30.0
"""Seconds that an answer of the engine is waited for."""
MOST_CALLS = 20
"""Worker calls that are listed."""
Read = Callable[[str], str]


class Session(Protocol):
    """What is asked of a session; `distill_core.session.Session` is one."""

    def probe(self) -> Future[Probe]:
        """A look into the REPL."""
        ...

    def override_call(self, call_id: str, response: str, *, by: str) -> Future[None]:
        """Put a reply in the place of a worker's."""
        ...

    def retry_call(self, call_id: str, *, by: str) -> Future[None]:
        """Send a worker call again."""
        ...


class Around(msgspec.Struct):
    """What there is beside the proposal: the session, what is known of it, its policy. Known once it runs."""

    session: Session | None = None
    policy: PolicyApprover | None = None
    state: Callable[[], SessionState] | None = None


def dry_run(proposal: StepProposal) -> None:
    """Say what the proposed code would ask of the worker."""
    if proposal.foresight is None:
        say("there is no dry run of this")
        return
    try:
        forecast = proposal.foresight.result.result(PATIENCE)
    except (TimeoutError, CancelledError):
        say("the dry run has not come to its end")
        return
    if not forecast.ran:
        say(f"no dry run: {forecast.why}")
        return
    least = "" if forecast.complete else "at least "
    cost = "" if forecast.cost is None else f", at most {money(forecast.cost)}"
    calls, most = count(forecast.worker_calls, "worker call"), count(forecast.prompt_tokens, "prompt token")
    say(f"dry run: {least}{calls}, at most {most}{cost}")
    if forecast.why:
        say(f"  {forecast.why}")


def variables(around: Around) -> None:
    """Say which variables the REPL has."""
    with_probe(around, lambda probe: _tell_variables(probe.variables().result(PATIENCE)))


def _tell_variables(found: tuple[Variable, ...]) -> None:
    for one in found:
        size = "" if one.size is None else f" of {one.size:,}"
        say(f"{one.name}: {one.type}{size}: {one.preview}")
    if not found:
        say("the cells have made no variables yet")


def scratch(around: Around, read: Read) -> None:
    """Try lines of code on a copy of the REPL, up to an empty one."""

    def go_on(probe: Probe) -> None:
        while code := read("try (nothing ends it):"):
            result = probe.run(code).result()
            for _, text in result.output:
                say(text.rstrip("\n"))
            if result.traceback:
                say(result.traceback.rstrip("\n"))

    with_probe(around, go_on)


def with_probe(around: Around, use: Callable[[Probe], None]) -> None:
    """Have `use` look into the REPL; what is against it is said."""
    if around.session is None:
        say("there is no REPL to look into")
        return
    try:
        probe = around.session.probe().result(PATIENCE)
        try:
            use(probe)
        finally:
            probe.close()
    except (DistillError, TimeoutError) as error:
        say(str(error) or "the REPL does not answer")


def calls(around: Around, read: Read, who: str) -> None:
    """List worker calls; read one, override its reply in the record, or send it again."""
    state = around.state() if around.state is not None else None
    if state is None or around.session is None or not len(state.call_order):
        say("there are no worker calls yet")
        return
    for call_id in list(state.call_order)[-MOST_CALLS:]:
        call = state.calls[call_id]
        words = call.override or call.response or call.error or call.prompt
        say(f"{call_id} {call.phase}: {' '.join(words[:100].split())}")
    call_id = read("which one (nothing: none)?")
    if call_id not in state.calls:
        return
    call = state.calls[call_id]
    say(f"prompt: {call.prompt}\nreply: {call.response}" + (f"\nerror: {call.error}" if call.error else ""))
    try:
        match read("[o]verride its reply, [s]end it again, nothing: leave it"):
            case "o" | "override":
                around.session.override_call(call_id, read("the reply:"), by=who).result(PATIENCE)
            case "s" | "send":
                around.session.retry_call(call_id, by=who).result(PATIENCE)
            case _:
                return
    except (DistillError, TimeoutError) as error:
        say(str(error) or "the session does not answer")


def switch_policy(around: Around, read: Read) -> None:
    """Choose who approves from the next step on."""
    policy = around.policy
    if policy is None:
        say("the policy cannot be changed here")
        return
    for name, about in POLICIES.items():
        say(f"{name}: {about}{' (now)' if name == policy.name else ''}")
    say("a number: so many steps are approved, then you are asked again")
    chosen = read("which one (nothing: as it is)?")
    try:
        if chosen.isdigit():
            policy.approve_next(int(chosen))
        elif chosen:
            policy.switch(chosen)  # type: ignore[arg-type]  # it refuses what is no policy
    except DistillError as error:
        say(str(error))
