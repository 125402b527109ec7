"""A planned session: what it is made from, what is opened for it, and forks of it while it is on the screen."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tui.saying import say

if TYPE_CHECKING:
    from distill_core import events as ev
    from distill_core.approval import Approver
    from distill_core.budget import Role
    from distill_core.config import Effective, Models
    from distill_core.continuing import Branch, Earlier
    from distill_core.models.base import ModelHandler
    from distill_core.models.cache import ResponseCache
    from distill_core.record import Record
    from distill_core.recorder import Sink
    from distill_core.session import Session
    from distill_core.signals import OnSignal
    from distill_core.specification import SessionSpec
    from sessions.live import LiveIndex
    from tui.branching import Branched, Wish


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A session to be: what it is made from.

    Args:
        spec: its specification.
        earlier: what it goes on from, if anything.
        supervisor: in the place of the configured one.
        approver: in the place of a person or a policy.
        asks: whether somebody is asked where a recorded cell comes out differently.
    """

    spec: SessionSpec
    earlier: Earlier | None = None
    supervisor: ModelHandler | None = None
    approver: Approver | None = None
    asks: bool = True


class Planned:
    """A session about to start.

    Args:
        effective: the settings in force.
        models: asked by it.
        plan: what it is made from.
        config: the configuration file, if not the usual one.
        on_session: told of the session before it runs.
    """

    def __init__(
        self,
        effective: Effective,
        models: Models,
        plan: Plan,
        *,
        config: Path | None = None,
        on_session: Callable[[Session], None] = lambda _: None,
    ) -> None:
        self.plan = plan
        self.who = effective.settings.screen.name or getpass.getuser()
        self._effective = effective
        self._models = models
        self._config = config
        self._on_session = on_session
        self._replies: ResponseCache | None = None
        self._index: _HomeIndex | None = None
        self._troubles: list[str] = []
        self._session: Session | None = None
        self._forks: list[Planned] = []

    @property
    def folder(self) -> Path | None:
        """Where the session is kept; None where it was not kept or never made."""
        return None if self._session is None else self._session.folder

    @property
    def forks(self) -> list[Path]:
        """The folders of its forks, and of theirs."""
        folders = [folder for fork in self._forks for folder in (fork.folder, *fork.forks)]
        return [folder for folder in folders if folder is not None]

    def close(self) -> None:
        """Let go of what was opened for the session, which is over; say what kept it out of the index."""
        for fork in self._forks:
            fork.close()
        if self._replies is not None:
            self._replies.close()
        if self._index is not None:
            self._index.close()
        for trouble in dict.fromkeys(self._troubles):
            say(f"note: {trouble}")
        self._troubles.clear()

    def seen(self, approver: Approver, sinks: Sequence[Sink], on_signal: OnSignal) -> Session:
        """The session, and for the screen what was on record of it before."""
        from distill_core.signals import Phase

        earlier = self.plan.earlier
        if earlier is not None and earlier.resumes:
            on_signal(Phase(step=len(earlier.record.state.steps), text="resuming"))
            for sink in sinks:
                for event in earlier.record.events:
                    sink.write(event)
        return self.session(approver, sinks, on_signal)

    def session(self, approver: Approver, sinks: Sequence[Sink], on_signal: OnSignal) -> Session:
        """The session itself."""
        from distill_core.config import home_path
        from distill_core.session import Session
        from tui.diverging import asking

        settings, plan = self._effective.settings, self.plan
        earlier = plan.earlier
        if earlier is not None and plan.asks:
            earlier = msgspec.structs.replace(earlier, go_on=asking(on_signal, earlier.go_on))
        if settings.session.cache:
            self._replies = _replies(home_path(settings))
        if plan.spec.log_dir is not None:
            self._index = _HomeIndex(home_path(settings), self)
            sinks = (*sinks, self._index)
        self._session = Session(
            plan.spec,
            supervisor=plan.supervisor or self._models.supervisor,
            worker=self._models.worker,
            approver=plan.approver or approver,
            sinks=sinks,
            on_signal=on_signal,
            replies=self._replies,
            earlier=earlier,
        )
        self._on_session(self._session)
        return self._session

    def trouble(self, words: str) -> None:
        """Keep what is to be said once the screen is gone, which is no place for it."""
        self._troubles.append(words)

    # ------------------------------------------------------------ forks

    def fork(self, wish: Wish, record: Record, branch: Callable[[int], Branch] | None) -> Branched:
        """A fork of the session, as a `tui.branching.MakeFork`.

        Raises:
            DistillError: there is no such step, a setting is wrong, or a model cannot be had.
        """
        from distill_core.forking import fork
        from tui.branching import Branched

        earlier = fork(
            record,
            wish.step,
            codes=wish.codes,
            instruction=wish.instruction,
            by=self.who,
            at=wish.at,
            branch=branch,
        )
        effective = self._changed(wish.settings)
        models, close = self._models_for(effective, wish.settings)
        bounds = {
            key.removeprefix("limits."): getattr(effective.settings.limits, key.removeprefix("limits."))
            for key in wish.settings
            if key.startswith("limits.")
        }
        spec = msgspec.structs.replace(
            self.plan.spec,
            limits=msgspec.structs.replace(record.state.limits, **bounds),
            worker_ctx_k=models.worker_ctx_k,
            prompt_style=models.prompt_style,
            prices=models.prices,
            config=for_the_record(effective),
            **place(effective),
        )
        planned = Planned(effective, models, Plan(spec=spec, earlier=earlier), config=self._config)
        self._forks.append(planned)

        def over() -> None:
            planned.close()
            close()

        return Branched(make=planned.seen, close=over, fork=planned.fork)

    def _changed(self, settings: dict[str, Any]) -> Effective:
        """The settings in force, those of the command line with these over them."""
        from distill_core.config import load_settings

        given = {v.key: v.value for v in self._effective.values if v.origin == "flag"}
        return load_settings({**given, **settings}, path=self._config)

    def _models_for(
        self, effective: Effective, settings: dict[str, Any]
    ) -> tuple[Models, Callable[[], None]]:
        """The session's own models, or others where the person named some; and how to let go of those."""
        from distill_core.config import models_with

        roles: list[Role] = [role for role in ("supervisor", "worker") if role in settings]
        models = models_with(self._models, effective, roles)
        return models, models.close if roles else lambda: None


class _HomeIndex:
    """A sink that keeps the home's index up to date with a session, if that is kept in the home."""

    def __init__(self, home: Path, planned: Planned) -> None:
        self._home = home
        self._planned = planned
        self._begun = False
        self._index: LiveIndex | None = None

    def write(self, event: ev.Event) -> None:
        """Take an event. The folder stands by then: the log is written first."""
        if not self._begun:
            self._begun = True
            self._begin()
        if self._index is not None:
            self._index.write(event)

    def _begin(self) -> None:
        from sessions.home import Home
        from sessions.live import LiveIndex

        folder, earlier = self._planned.folder, self._planned.plan.earlier
        if folder is None or folder.parent != Home(self._home).sessions:
            return
        before = earlier.record.events if earlier is not None and earlier.resumes else ()
        self._index = LiveIndex(
            Home(self._home).index, folder, before=before, on_trouble=self._planned.trouble
        )

    def close(self) -> None:
        """Write what is left."""
        if self._index is not None:
            self._index.close()


def place(effective: Effective) -> dict[str, Any]:
    """Where a new session is kept, and its id: fields of its specification."""
    from distill_core.config import home_path
    from distill_core.specification import new_session_id

    named = effective.settings.session.log_dir
    home = home_path(effective.settings)
    session_id = new_session_id()
    return {
        "session_id": session_id,
        "log_dir": Path(named).expanduser() if named else home / "sessions" / session_id,
        "next_free": bool(named),
        "documents_dir": None if named else home / "documents",
    }


def for_the_record(effective: Effective) -> dict[str, Any]:
    """The settings that somebody set, without whatever may be a key."""
    from distill_core.config.masking import masked

    chosen = (masked(value) for value in effective.values if value.origin != "default")
    return {value.key: msgspec.to_builtins(value.value) for value in chosen}


def _replies(home: Path) -> ResponseCache:
    from distill_core.models.cache import ResponseCache

    return ResponseCache(home / "replies.db")
