"""Secrets: the keys that are configured, and what detect-secrets' specific detectors know by its form.

Its detectors of entropy and of telling names are left out: in research data they find more than they should.
"""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

import msgspec

from sessions.export.redact import cut_off, escapes
from sessions.export.redact.glance import LONG, SHORT, Glance, glance, what_is_left
from sessions.export.redact.redactor import Finder, Found, Hinted
from sessions.export.redact.sweep import literal

_MODULES = {
    # module: (class, what the text must hold for a match to be possible, letters and signs of keys that then stand in a
    # row, whether a group is the secret)
    "artifactory": ("ArtifactoryDetector", ("AKC", "AP"), 0, False),
    "aws": ("AWSKeyDetector", ("A3T", "ABIA", "ACCA", "AKIA", "ASIA", "aws", "AWS"), 20, False),
    "azure_storage_key": ("AzureStorageKeyDetector", ("AccountKey=",), 32, False),
    "basic_auth": ("BasicAuthDetector", ("://",), 0, True),
    "cloudant": ("CloudantDetector", ("cloudant", "CLOUDANT", "Cloudant", "cl_", "CL_"), 20, True),
    "discord": ("DiscordBotTokenDetector", ("M", "N", "O"), 20, False),
    "github_token": ("GitHubTokenDetector", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), 32, False),
    "gitlab_token": ("GitLabTokenDetector", (("gl", "-"), "GR1348941"), 20, False),
    "ibm_cloud_iam": ("IbmCloudIamDetector", ("ibm", "IBM", "iam", "IAM"), 32, True),
    "ibm_cos_hmac": ("IbmCosHmacDetector", ("secret", "SECRET"), 32, True),
    "jwt": ("JwtTokenDetector", ("eyJ",), 0, False),
    "mailchimp": ("MailchimpDetector", ("-us",), 32, False),
    "npm": ("NpmDetector", ("_authToken",), 0, False),
    "openai": ("OpenAIDetector", ("T3BlbkFJ",), 32, False),
    "pypi_token": ("PypiTokenDetector", ("pypi-",), 32, False),
    "sendgrid": ("SendGridDetector", ("SG.",), 32, False),
    "slack": ("SlackDetector", (("", "-"), "://hooks.slack.com"), 0, False),
    "softlayer": ("SoftlayerDetector", ("softlayer", "SOFTLAYER", "sl_", "SL_"), 32, True),
    "square_oauth": ("SquareOAuthDetector", ("sq0csp-",), 32, False),
    "stripe": ("StripeDetector", ("k_live_",), 20, False),
    "telegram_token": ("TelegramBotTokenDetector", (":",), 32, False),
    "twilio": ("TwilioKeyDetector", ("AC", "SK"), 32, False),
}
_FURTHER = {"slack": ("xox", "XOX", "hooks.slack.com"), "basic_auth": ("@",)}
"""What the text must hold besides; looked for only where the rest fits."""
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:.*?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|.*)",
    re.DOTALL,
)
_WEB_TOKEN = re.compile(r"eyJ[A-Za-z0-9_=-]+\.[A-Za-z0-9_=-]+(?:\.[A-Za-z0-9_=-]+)?")
"""A JSON web token whole: detect-secrets' own pattern leaves its signature."""
_MODEL_KEY = re.compile(
    rf"(?:(?<![A-Za-z0-9])|{escapes.BEHIND})"
    r"(?:sk-(?:proj-|ant-|or-)?[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{30,}|tgp_v1_[A-Za-z0-9_-]{20,}"
    r"|AIza[A-Za-z0-9_-]{35,}|gsk_[A-Za-z0-9]{40,}|xai-[A-Za-z0-9]{40,}|nvapi-[A-Za-z0-9_-]{40,}"
    r"|r8_[A-Za-z0-9]{37,}|pplx-[A-Za-z0-9]{40,}|csk-[A-Za-z0-9]{40,}|github_pat_[A-Za-z0-9_]{50,})"
)
"""Keys of model providers, and GitHub's new ones, in the forms of today, which detect-secrets does not know."""
_SIZED = ("AIza", "gsk_", "xai-", "nvapi-", "r8_", "pplx-", "csk-", "github_pat_", "hf_")
_MODEL_WORDS = ("sk-", "tgp_v1_", *_SIZED)
_CUT_WORDS = (*_SIZED, "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "glpat-")
_CUT = re.compile(
    rf"(?:(?<![A-Za-z0-9])|{escapes.BEHIND})(?=[A-Za-z0-9_-]{{{SHORT}}})"
    rf"(?:{'|'.join(_CUT_WORDS)})[A-Za-z0-9_-]{{1,120}}{cut_off.AFTER_HEAD}"
)
"""The beginning of a key that has its length, where it was cut. One shorter than `SHORT` lacks most of the key.

None is longer than this; without a bound the beginnings in one long run would each be followed to its end."""


class _Word(msgspec.Struct, frozen=True):
    text: str
    rest: bytes


class _Detector(msgspec.Struct, frozen=True):
    kind: str
    needs: tuple[_Word, ...]
    further: tuple[str, ...]
    keylike: int
    patterns: tuple[re.Pattern[str], ...]
    group: bool

    def may_find(self, look: Glance) -> bool:
        """Whether its patterns can match at all."""
        text, rest = look.text, look.rest
        for word in self.needs:
            if word.rest in rest and word.text in text:
                return not self.further or any(one in text for one in self.further)
        return False


def _word(word: str | tuple[str, str]) -> _Word:
    """A word to be looked for; of two, the second is another that must stand there and shows at a glance."""
    text, shows = (word, word) if isinstance(word, str) else word
    return _Word(text, what_is_left(shows))


@functools.cache
def _detectors() -> dict[int, tuple[_Detector, ...]]:
    """The detectors that can find any, by how many letters and signs of keys stand in a row (`Glance.run`)."""
    import importlib

    found = [_Detector("private_key", (_word("PRIVATE KEY"),), (), 0, (_PRIVATE_KEY,), False)]
    found.append(_Detector("secret", tuple(map(_word, _MODEL_WORDS)), (), 20, (_MODEL_KEY,), False))
    found.append(_Detector("secret", tuple(map(_word, _CUT_WORDS)), (" character",), 20, (_CUT,), False))
    found.append(_Detector("secret", (_word("eyJ"),), (), 0, (_WEB_TOKEN,), False))
    for module, (name, needs, keylike, group) in _MODULES.items():
        detector = getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), name)
        words = tuple(map(_word, needs))
        # Tokens are ASCII: no digits of other scripts.
        patterns = tuple(
            re.compile(pattern.pattern, pattern.flags & ~re.UNICODE | re.ASCII)
            for pattern in detector.denylist
        )
        found.append(_Detector("secret", words, _FURTHER.get(module, ()), keylike, patterns, group))
    return {run: tuple(one for one in found if one.keylike <= run) for run in (0, SHORT, LONG)}


_SHOWN = {
    # a sign that is found at once: words that it stands in
    b"K": ((b"PRIVATEKEY", None), (b"AKC", None)),  # the second of Artifactory
    b"P": ((b"AP", rb"AP[0-9A-F]"),),  # the same
    b"/": ((b"://", rb"://[^:/@'+=]*:[^:/@'+=]*@|://m/[A-Z]*/"),),  # an address with a password, and Slack
    b"x": ((b"xx", rb"xx[A-Z]?-"),),  # Slack
    b"X": ((b"XOX", rb"XOX[A-Z]?-"),),  # the same
    b"J": ((b"yJ", None),),  # a JSON web token
    b"_": ((b"_T", None),),  # npm
}
"""What is left at a glance of what those detectors find that ask for no long run: bytes, and how they stand there."""
_shown = tuple(
    (sign, tuple((word, re.compile(form or re.escape(word)).search) for word, form in words))
    for sign, words in _SHOWN.items()
)


FORMS = (
    rf"[A-Za-z0-9_\-+/=\\]{{{SHORT}}}",
    "PRIVATE KEY",
    "AKC[a-zA-Z0-9]{10}",
    "AP[0-9A-F][a-zA-Z0-9]{8}",
    "://[^:/@]+:[^:/@]+@",
    "eyJ",
    "_authToken",
    "[xX][oO][xX][A-Za-z]-",
    r"://[hH][oO][oO][kK][sS]\.",
)
"""The same as regular expressions: one of them stands wherever there is a secret of a known form."""


def shows(look: Glance) -> bool:
    """Whether a text can hold a secret of a known form."""
    rest = look.rest
    for sign, words in _shown:
        if sign in rest:
            for word, form in words:
                if word in rest and form(rest) is not None:
                    return True
    return look.run() > 0


def find(text: str) -> Iterable[Found]:
    """Secrets that are known by their form."""
    look = glance(text)
    if not shows(look):
        return ()
    likely = [one for one in _detectors()[look.run()] if one.may_find(look)]
    return _matches(likely, text)


def find_slowly(text: str) -> Iterable[Found]:
    """The same without a quick look before: what `find` is held against."""
    told = [
        one
        for one in _detectors()[LONG]
        if any(word.text in text for word in one.needs)
        and (not one.further or any(word in text for word in one.further))
    ]
    return _matches(told, text)


def _matches(detectors: Iterable[_Detector], text: str) -> Iterator[Found]:
    for known in detectors:
        for pattern in known.patterns:
            for match in pattern.finditer(text):
                start, end = match.span()
                if known.group and pattern.groups:
                    start, end = next(
                        (match.span(g) for g in range(pattern.groups, 0, -1) if match[g]), (start, end)
                    )
                yield Found(start, end, known.kind)


def of_keys(keys: Iterable[str]) -> Finder:
    """A finder of exactly these keys, also as JSON, an URL or base64 writes them, and of what a cut left of one."""
    written = {form for key in keys if len(key) >= cut_off.LEAST for form in _written(key)}
    known = sorted(written, key=lambda form: (-len(form), form))
    if not known:
        return Hinted(lambda text: (), lambda look: False, forms=())
    pattern = re.compile("|".join(map(re.escape, known)))
    ends = cut_off.ends(known)

    def find_keys(text: str) -> Iterable[Found]:
        if not any(end in text for end in ends):
            return ()
        whole = [match.span() for match in pattern.finditer(text)]
        return [Found(start, end, "key") for start, end in (*whole, *cut_off.pieces(text, known))]

    words = [(what_is_left(end), end) for end in ends]

    def shows_key(look: Glance) -> bool:
        rest, text = look.rest, look.text
        return any(word in rest and end in text for word, end in words)

    return Hinted(find_keys, shows_key, forms=tuple(sorted(set(map(literal, ends)))))


def _written(key: str) -> Iterator[str]:
    """A key, and how it stands in other writings."""
    yield key
    yield json.dumps(key)[1:-1]
    yield quote(key)
    yield quote(key, safe="")
    raw = key.encode("utf-8", "surrogatepass")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        # Behind a name or a scheme it begins at the first, second or third byte of a group; what letters of the
        # encoding are not of the key alone are left out.
        for before in range(3):
            text = encode(b"\0" * before + raw).decode().rstrip("=")
            yield text[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
