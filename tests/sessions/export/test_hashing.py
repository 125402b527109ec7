"""The hash of a row does not depend on the rows before it."""

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.export.hashing import ContentHash

PIECES = [b"a" * 3000, b"b" * 700, b"c" * 512, b"d", b"]}"]


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join), max_size=12))
def test_rows_in_any_order(lines):
    hashes = ContentHash()
    for line in lines:
        assert hashes.of(line) == hashlib.blake2b(line, digest_size=16).hexdigest()


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join), st.integers(0, 9000)),
        max_size=12,
    )
)
def test_rows_of_which_beginnings_may_be_the_same(rows):
    lines = [line for line, _ in rows]
    starts, rest = [line[:size] for line, size in rows], [line[size:] for line, size in rows]
    assert ContentHash().of_all(starts, rest) == [
        hashlib.blake2b(line, digest_size=16).hexdigest() for line in lines
    ]


def test_a_conversation_that_grows():
    hashes = ContentHash()
    said = b""
    for turn in range(30):
        said += f"turn {turn} ".encode() * 90
        line = said + b'],"completion":' + bytes([turn]) * 40
        assert hashes.of(line) == hashlib.blake2b(line, digest_size=16).hexdigest()
