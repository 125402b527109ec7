"""Text that reaches a log or a request can always be encoded."""

from hypothesis import given
from hypothesis import strategies as st

from distill_core.text import encodable


def test_lone_surrogates_are_spelled_out() -> None:
    assert encodable("a\ud800b\udfff") == "a\\ud800b\\udfff"


def test_clean_text_is_the_same_object() -> None:
    text = "naïve 中文 🎉 \x00 \x1b[31m"
    assert encodable(text) is text


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_anything_becomes_encodable_and_only_surrogates_change(text: str) -> None:
    safe = encodable(text)
    safe.encode("utf-8")
    assert encodable(safe) == safe
    assert [c for c in text if not "\ud800" <= c <= "\udfff"] == list(
        "".join(c for c in text if not "\ud800" <= c <= "\udfff")
    )
    if not any("\ud800" <= c <= "\udfff" for c in text):
        assert safe == text
