"""`html`: a session as a report to read, one page a session that needs nothing else and runs nothing.

Everything that a session holds is escaped, and a content security policy forbids the page scripts, images and requests.
"""

from __future__ import annotations

import html
from collections.abc import Iterator

from sessions.export.readable import Facts, Heading, Note, Piece, Source, Words, pieces, visible
from sessions.export.rows import Format, Options, Row, Verdict, file_name, of_session
from sessions.export.trace import Trace

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --line: #8884; --soft: #8881; --good: #1a7f37; --bad: #cf222e; }}
@media (prefers-color-scheme: dark) {{ :root {{ --good: #4ac26b; --bad: #ff7b72; }} }}
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; }}
h1, h2 {{ overflow-wrap: anywhere; }}
h1 {{ font-size: 1.5rem; }}
h2 {{ font-size: 1.1rem; margin-top: 2.5rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }}
table {{ border-collapse: collapse; }}
th {{ text-align: left; font-weight: 600; padding: .15rem 1.5rem .15rem 0; vertical-align: top; }}
td {{ padding: .15rem 0; overflow-wrap: anywhere; }}
pre {{ background: var(--soft); padding: .8rem; border-radius: .4rem; overflow: auto; max-height: 40rem;
  font: 13px/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }}
blockquote {{ margin: 0; padding: .2rem 1rem; border-left: 4px solid var(--good); white-space: pre-wrap; }}
summary {{ cursor: pointer; }}
.note {{ margin: .4rem 0; overflow-wrap: anywhere; }}
.good::before {{ content: "✓ "; color: var(--good); }}
.bad::before {{ content: "✗ "; color: var(--bad); }}
footer {{ margin-top: 3rem; font-size: .85rem; opacity: .7; }}
</style>
</head>
<body>
{body}
<footer>{footer}</footer>
</body>
</html>
"""


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One file a session."""
    text = _PAGE.format(
        title=_safe(trace.query),
        body="\n".join(_told(piece) for piece in pieces(trace)),
        footer=_safe(f"{options.tool or 'distill-tui'}, document {trace.document.sha256}"),
    )
    name = file_name("reports", trace, "html")
    yield Row(key=trace.session_id, columns={"text": text}, origin=of_session(trace), name=name)


def _safe(text: str) -> str:
    return html.escape(visible(text), quote=True)


def _told(piece: Piece) -> str:
    match piece:
        case Heading(level, text, tone):
            return f'<h{level}><span class="{tone}">{_safe(text)}</span></h{level}>'
        case Facts(pairs):
            told = "\n".join(
                f"<tr><th>{_safe(name)}</th><td>{_safe(value)}</td></tr>" for name, value in pairs
            )
            return f"<table>\n{told}\n</table>"
        case Words(text):
            return f"<blockquote>{_safe(text)}</blockquote>"
        case Note(text, tone):
            return f'<p class="note"><span class="{tone}">{_safe(text)}</span></p>'
        case Source(text, _, title):
            # A line end right behind the tag is the parser's, so that one of the text's own would be lost.
            told = f"<pre>\n{_safe(text)}</pre>"
            return f"<details><summary>{_safe(title)}</summary>{told}</details>" if title else told


FORMAT = Format(
    name="html",
    help="a session as a report to read, a page that needs nothing else",
    rows=rows,
    storage="files",
    provenance="inside",
    suffix="html",
    teaches="One page a session in `reports/`; it opens anywhere, holds no script and asks for nothing. They are to be "
    "read: there is nothing here for `load_dataset`.",
)
