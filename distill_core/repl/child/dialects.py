"""Other names for the same things, as models were taught them elsewhere. A dialect is one entry of `DIALECTS`.

`rlm` follows the environment of alexzhang13/rlm: llm_query and its kin, FINAL_VAR, SHOW_VARS and the answer
dictionary. There FINAL_VAR gives back text and a failed query is text that starts with "Error"; here the first
ends the cell and the second is a WorkerError.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from .scaffold import Answer, Finished

_ANSWER = {"content": "", "ready": False}


class Rlm:
    """The names of the rlm dialect."""

    def __init__(self, namespace: dict[str, Any], scaffold: dict[str, Any], answer: Answer) -> None:
        self._namespace = namespace
        self._scaffold = scaffold
        self._answer = answer

    def names(self) -> dict[str, Any]:
        """What the dialect adds to the scaffold."""
        worker, worker_batch = self._scaffold["worker"], self._scaffold["worker_batch"]

        def llm_query(prompt: str, model: str | None = None) -> str:
            """Ask the worker model; `model` is not used."""
            return worker(prompt)  # type: ignore[no-any-return]

        def llm_query_batched(prompts: list[str], model: str | None = None) -> list[Any]:
            """Ask the worker model several things at once; `model` is not used."""
            return worker_batch(prompts)  # type: ignore[no-any-return]

        return {
            "llm_query": llm_query,
            "llm_query_batched": llm_query_batched,
            "rlm_query": llm_query,
            "rlm_query_batched": llm_query_batched,
            "FINAL_VAR": self._final_var,
            "SHOW_VARS": self._show_vars,
        }

    def begin(self) -> None:
        """Before a cell: the answer dictionary is there."""
        self._namespace.setdefault("answer", dict(_ANSWER))

    def end(self) -> None:
        """After a cell: a dictionary that says it is ready holds the answer."""
        answer = self._namespace.get("answer")
        if type(answer) is dict and answer.get("ready"):
            self._answer.give(answer.get("content", ""))
            # Given once: where the answer is sent back or another question follows, the next cell gives its own.
            answer["ready"] = False

    def _variables(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in self._namespace.items()
            if not name.startswith("_") and name not in self._scaffold and not isinstance(value, ModuleType)
        }

    def _final_var(self, name: Any) -> None:
        """Make a variable the answer, given its name (or its value), and end."""
        self._answer.give(self._resolve(name))
        raise Finished

    def _resolve(self, name: Any) -> Any:
        if not isinstance(name, str):
            return name
        variables = self._variables()
        bare = name.strip().strip("\"'").strip()
        if bare in variables:
            return variables[bare]
        if not bare.isidentifier() or any(value is name for value in variables.values()):
            return name
        raise NameError(
            f"FINAL_VAR: there is no variable {bare!r}; assign it first. There are: {sorted(variables)[:50]}"
        )

    def _show_vars(self) -> str:
        """The variables there are, with their types."""
        hidden = ("context", "answer")
        kinds = {
            name: type(value).__name__ for name, value in self._variables().items() if name not in hidden
        }
        if not kinds:
            return "No variables created yet. Use ```repl``` blocks to create variables."
        return f"Available variables: {kinds}"


DIALECTS: dict[str, Callable[[dict[str, Any], dict[str, Any], Answer], Rlm]] = {"rlm": Rlm}
