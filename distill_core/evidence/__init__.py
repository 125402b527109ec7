"""Evidence: which passages a text quotes, and whether and where they stand in the document.

`quotes_in(text)` picks the quoted passages out of an answer or a reply, `Evidence(document)` looks them up.
"""

from distill_core.evidence.finding import Evidence, Finding, Status
from distill_core.evidence.quoting import Quote, quotes_in
from distill_core.evidence.readable import readable

__all__ = ["Evidence", "Finding", "Quote", "Status", "quotes_in", "readable"]
