"""How many long-document questions are answered right, by which supervisor and worker, with how many calls.

Run: python -m benchmarks.longdoc --worker stub
     python -m benchmarks.longdoc --worker embedded --case ld-27
     python -m benchmarks.longdoc --worker endpoint --worker-model NAME --base-url URL [--supervisor endpoint]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.longdoc_cases import Case, correct, document, load_cases
from distill_core.errors import DistillError
from distill_core.events import Event, SupervisorReplied, WorkerCallFailed, WorkerCallStarted
from distill_core.models.base import ModelHandler
from distill_core.models.openai import OpenAIHandler
from distill_core.playbook import PlaybookSupervisor
from distill_core.playbook.transcript import proposed
from distill_core.runner import run
from tests.fakes.gold_worker import GoldWorker

CASES = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "longdoc"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one case. `strategy`: the programs of the playbook, or the number of a model's turns."""

    case_id: str
    strategy: str
    right: bool
    gates: int
    calls: int
    failed: int
    tokens: int
    seconds: float
    answer: str


class Tally:
    """A sink that counts a session's worker calls by purpose and remembers which programs were proposed."""

    def __init__(self) -> None:
        self.gates = self.calls = self.failed = 0
        self.programs: list[str] = []

    def write(self, event: Event) -> None:
        """Count `event`."""
        match event:
            case WorkerCallStarted(purpose="gate"):
                self.gates += 1
            case WorkerCallStarted():
                self.calls += 1
            case WorkerCallFailed():
                self.failed += 1
            case SupervisorReplied(text=text):
                self.programs.extend(proposed(text))
            case _:
                return


def measure(
    case: Case, folder: Path, supervisor: ModelHandler, worker: ModelHandler, options: dict[str, Any]
) -> Row:
    """Run one case and score its answer."""
    text = document(case, folder)
    tally = Tally()
    started = time.perf_counter()
    try:
        result = run(case.question, text, supervisor, worker, sinks=[tally], **options)
    except DistillError as error:
        answer, turns, tokens = f"({error})", 0, 0
    else:
        answer, turns = str(result.answer), result.iterations
        tokens = result.worker_usage.total_tokens + result.supervisor_usage.total_tokens
    return Row(
        case_id=case.id,
        strategy=" ".join(tally.programs) or f"{turns} turns",
        right=correct(case, answer),
        gates=tally.gates,
        calls=tally.calls,
        failed=tally.failed,
        tokens=tokens,
        seconds=time.perf_counter() - started,
        answer=" ".join(answer.split()),
    )


def gold_stub(case: Case) -> GoldWorker:
    """The worker that knows the case's answer, and tells it where it sees the evidence."""
    gold = case.gold if isinstance(case.gold, list) else [case.gold]
    return GoldWorker([str(one) for one in gold], case.evidence)


@contextmanager
def handlers(args: argparse.Namespace) -> Iterator[tuple[ModelHandler | None, ModelHandler]]:
    """(worker, supervisor) as asked for; the worker is None where each case has its own stub."""
    with ExitStack() as stack:
        server = None
        if "embedded" in (args.worker, args.supervisor):
            from distill_core.models.local import LocalServer

            server = stack.enter_context(LocalServer.start(args.gguf or args.embedded_model))

        def made(kind: str, name: str | None, max_tokens: int) -> ModelHandler | None:
            if kind == "embedded" and server is not None:
                return server.handler(temperature=0.0, max_tokens=max_tokens, seed=1)
            if kind == "endpoint":
                if not name:
                    raise SystemExit("an endpoint needs a model name: --worker-model, --supervisor-model")
                return OpenAIHandler(name, base_url=args.base_url, temperature=0.0, max_tokens=max_tokens)
            return None

        worker = made(args.worker, args.worker_model, 256)
        yield worker, made(args.supervisor, args.supervisor_model, 2000) or PlaybookSupervisor()


def show(row: Row, answer_chars: int) -> None:
    """One line of the table."""
    counts = f"{row.gates:>5} {row.calls:>5} {row.failed:>6} {row.tokens:>8} {row.seconds:>7.1f}"
    mark = "right" if row.right else "WRONG"
    print(f"{row.case_id:<8} {row.strategy:<32} {mark:<6} {counts}  {row.answer[:answer_chars]}", flush=True)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worker", choices=["stub", "embedded", "endpoint"], default="stub")
    parser.add_argument("--supervisor", choices=["playbook", "embedded", "endpoint"], default="playbook")
    parser.add_argument(
        "--embedded-model", default="qwen2.5-coder-1.5b", help="name of weights that were pulled"
    )
    parser.add_argument("--gguf", type=Path, help="weights to use instead")
    parser.add_argument("--worker-model")
    parser.add_argument("--supervisor-model")
    parser.add_argument("--base-url", help="of the endpoint; its key comes from the environment")
    parser.add_argument("--worker-ctx-k", type=int, default=8)
    parser.add_argument("--max-iterations", type=int, default=15)
    parser.add_argument("--worker-calls", type=int, default=2000, help="bound on worker calls a case")
    parser.add_argument(
        "--minutes", type=float, help="bound on wall time a case, after which what was found counts"
    )
    parser.add_argument("--cases", type=Path, default=CASES, help="folder with cases.jsonl and docs/")
    parser.add_argument("--case", action="append", help="only this one; may be given again")
    parser.add_argument("--log-dir", type=Path, help="keep each session in a folder under it")
    parser.add_argument("--answer-chars", type=int, default=60)
    return parser.parse_args()


def main() -> None:
    """Print the table."""
    from distill_core.events import Limits

    args = arguments()
    cases = [case for case in load_cases(args.cases) if not args.case or case.id in args.case]
    print(f"supervisor {args.supervisor}, worker {args.worker}, {len(cases)} cases")
    head = f"{'gates':>5} {'calls':>5} {'failed':>6} {'tokens':>8} {'seconds':>7}"
    print(f"{'case':<8} {'strategy':<32} {'':<6} {head}  answer")
    rows = []
    with handlers(args) as (worker, supervisor):
        for case in cases:
            options = {
                "worker_ctx_k": args.worker_ctx_k,
                "max_iterations": args.max_iterations,
                "limits": Limits(worker_calls=args.worker_calls, seconds=args.minutes and 60 * args.minutes),
                "prompt_style": "compact" if args.supervisor == "embedded" else "full",
                "log_dir": args.log_dir / case.id if args.log_dir else None,
            }
            rows.append(measure(case, args.cases, supervisor, worker or gold_stub(case), options))
            show(rows[-1], args.answer_chars)
    print(f"{sum(row.right for row in rows)} of {len(rows)} right")


if __name__ == "__main__":
    main()
