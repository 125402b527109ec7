"""A session full of text that means harm: escape sequences, OSC 8 and 52, markup, bidi, surrogates, endless lines.

python -m tests.fakes.hostile    shows it on the live screen
"""

from __future__ import annotations

from tests.fakes.scripted import Call, ScriptedCell, ScriptedSession, ScriptedStep

HOSTILE = (
    "\x1b]52;c;ZXZpbA==\x07 \x1b[2J\x1b[31mred \x9b31m \x1b]8;;http://evil\x1b\\link "
    "\u202eesrever\u2066 \ud83d \x00 [@click=app.quit]click[/] [bold red]markup[/] $role-error \u200f"
)
LONG = "L" * 200_000

CODE = f'x = """{HOSTILE}"""'
STEP = ScriptedStep(
    reasoning=HOSTILE,
    reply=f"{HOSTILE}\n{LONG}\n\n```repl\n{CODE}\n```",
    cells=(
        ScriptedCell(
            code=CODE,
            output=(("stdout", HOSTILE + "\n"), ("stderr", HOSTILE + "\n" + LONG)),
            calls=(
                Call(prompt=HOSTILE, response=HOSTILE),
                Call(prompt=HOSTILE, error=HOSTILE),
                Call(prompt=HOSTILE + LONG),
            ),
            status="final",
            traceback=HOSTILE + "\n" + "frame\n" * 100_000,
            final=HOSTILE + "\n" + LONG,
        ),
    ),
)


def main() -> None:
    """Play it with every step approved, so that only the answer waits."""
    from tui.running import run_live

    run_live(
        lambda approver, sinks, on_signal: ScriptedSession([STEP], approver, sinks, on_signal, query=HOSTILE),
        policy="ask",
        who="ada",
    )


if __name__ == "__main__":
    main()
