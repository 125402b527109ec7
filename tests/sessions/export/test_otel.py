"""A session as OTLP: the protocol's own package takes it, and spans hang together."""

import json

import pytest
from google.protobuf import json_format
from openinference.semconv.trace import OpenInferenceSpanKindValues, SpanAttributes
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from sessions.export import Plan, export, sources
from sessions.export.formats import find
from sessions.home import Home
from tests.sessions.export.making import traced


@pytest.fixture(scope="module")
def traces(home, tmp_path_factory):
    """The spans of each session, as the package reads them, by name of session."""
    out = tmp_path_factory.mktemp("otel") / "out"
    export(Plan(format=find("otel"), sources=tuple(sources(Home(home).folders()))), str(out))
    made = {}
    for line in (out / "data" / "train" / "00000.jsonl").read_text().splitlines():
        for span in json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]:
            # The protocol writes ids in hexadecimal where protobuf's own JSON would have base64.
            assert len(bytes.fromhex(span["traceId"])) == 16
            assert len(bytes.fromhex(span["spanId"])) == 8
        data = json_format.Parse(line, TracesData())
        (scope,) = data.resource_spans[0].scope_spans
        spans = list(scope.spans)
        made[told(spans[0])["session.id"]] = spans
    return made


def told(span):
    """A span's attributes."""
    found = {}
    for pair in span.attributes:
        kind = pair.value.WhichOneof("value")
        value = getattr(pair.value, kind)
        found[pair.key] = [v.string_value for v in value.values] if kind == "array_value" else value
    return found


def test_every_session_is_a_tree_of_spans(traces):
    assert len(traces) == 7
    for spans in traces.values():
        ids = {span.span_id for span in spans}
        assert len(ids) == len(spans)
        assert [span.parent_span_id for span in spans].count(b"") == 1
        assert all(span.parent_span_id in ids for span in spans[1:])
        assert len({span.trace_id for span in spans}) == 1
        assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in spans)


def test_turns_cells_and_worker_calls_are_chat_and_tool_spans(home, traces):
    spans = traces["s2-decided"]
    trace = traced(home / "sessions" / "s2-decided")
    names = [told(span)["gen_ai.operation.name"] for span in spans]
    assert names[0] == "invoke_agent"
    assert names.count("execute_tool") == 5
    assert names.count("chat") == 6 + 2
    kinds = {told(span)[SpanAttributes.OPENINFERENCE_SPAN_KIND] for span in spans}
    assert kinds == {
        k.value
        for k in (
            OpenInferenceSpanKindValues.AGENT,
            OpenInferenceSpanKindValues.LLM,
            OpenInferenceSpanKindValues.TOOL,
        )
    }
    first = told(next(span for span in spans if span.name == "chat scripted"))
    messages = json.loads(first["gen_ai.input.messages"])
    assert [m["parts"][0]["content"] for m in messages] == [m["content"] for m in trace.turns[0].prompt]
    assert first["gen_ai.usage.input_tokens"] == first[SpanAttributes.LLM_TOKEN_COUNT_PROMPT] == 10
    assert first[f"{SpanAttributes.LLM_INPUT_MESSAGES}.0.message.role"] == "system"
    worker = next(span for span in spans if span.name == "chat answering")
    cell = next(span for span in spans if span.span_id == worker.parent_span_id)
    assert cell.name == "execute_tool repl"


def test_failed_cells_are_errors_and_judgements_evaluations(traces):
    spans = traces["s2-decided"]
    failed = [span for span in spans if span.status.code == 2]
    assert [told(span)["gen_ai.tool.call.id"] for span in failed] == ["c4"]
    events = [event for span in spans for event in span.events]
    scores = {told(e)["gen_ai.evaluation.name"] for e in events if e.name == "gen_ai.evaluation.result"}
    assert {"rating", "mark", "label:probing", "correction"} <= scores
    assert [told(e)["distill.action"] for e in events if e.name == "distill.decision"][:2] == [
        "edit",
        "reject",
    ]
