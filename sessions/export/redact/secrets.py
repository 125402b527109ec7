"""Secrets: the keys that are configured, and what detect-secrets' specific detectors know by its form.

Its detectors of entropy and of telling names are left out: in research data they find more than they should.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator

import msgspec

from sessions.export.redact.redactor import Finder, Found
from sessions.export.redact.runs import UNBROKEN, holds_run

_MODULES = {
    # module: (class, what the text must hold for a match to be possible, whether a group is the secret)
    "artifactory": ("ArtifactoryDetector", ("AKC", "AP"), False),
    "aws": ("AWSKeyDetector", ("A3T", "ABIA", "ACCA", "AKIA", "ASIA", "aws", "AWS"), False),
    "azure_storage_key": ("AzureStorageKeyDetector", ("AccountKey=",), False),
    "basic_auth": ("BasicAuthDetector", ("://",), True),
    "cloudant": ("CloudantDetector", ("cloudant", "CLOUDANT", "Cloudant", "cl_", "CL_"), True),
    "discord": ("DiscordBotTokenDetector", ("M", "N", "O"), False),
    "github_token": ("GitHubTokenDetector", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), False),
    "gitlab_token": ("GitLabTokenDetector", ("gl", "GR1348941"), False),
    "ibm_cloud_iam": ("IbmCloudIamDetector", ("ibm", "IBM", "iam", "IAM"), True),
    "ibm_cos_hmac": ("IbmCosHmacDetector", ("secret", "SECRET"), True),
    "jwt": ("JwtTokenDetector", ("eyJ",), False),
    "mailchimp": ("MailchimpDetector", ("-us",), False),
    "npm": ("NpmDetector", ("_authToken",), False),
    "openai": ("OpenAIDetector", ("T3BlbkFJ",), False),
    "pypi_token": ("PypiTokenDetector", ("pypi-",), False),
    "sendgrid": ("SendGridDetector", ("SG.",), False),
    "slack": ("SlackDetector", ("xox", "XOX", "hooks.slack.com"), False),
    "softlayer": ("SoftlayerDetector", ("softlayer", "SOFTLAYER", "sl_", "SL_"), True),
    "square_oauth": ("SquareOAuthDetector", ("sq0csp-",), False),
    "stripe": ("StripeDetector", ("k_live_",), False),
    "telegram_token": ("TelegramBotTokenDetector", (":AA", ":"), False),
    "twilio": ("TwilioKeyDetector", ("AC", "SK"), False),
}

_LENGTH = 16
"""Every secret has as many bytes without white space, but for Artifactory's, private keys and those in addresses."""
_SHORTER = ("://", "AKC", "AP", "PRIVATE KEY")

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:.*?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|.*)",
    re.DOTALL,
)
_MODEL_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:sk-(?:proj-|ant-|or-)?[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{30,}|tgp_v1_[A-Za-z0-9_-]{20,})"
)
"""Keys of model providers in the forms of today, which detect-secrets does not know."""


class _Pattern(msgspec.Struct, frozen=True):
    kind: str
    needs: tuple[str, ...]
    pattern: re.Pattern[str]
    group: bool


@functools.cache
def _patterns() -> tuple[_Pattern, ...]:
    import importlib

    found = []
    for module, (name, needs, group) in _MODULES.items():
        detector = getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), name)
        for pattern in detector.denylist:
            found.append(_Pattern("secret", needs, pattern, group and pattern.groups > 0))
    return tuple(found)


def find(text: str) -> Iterator[Found]:
    """Secrets that are known by their form."""
    if not any(word in text for word in _SHORTER) and not holds_run(text, UNBROKEN, _LENGTH):
        return
    if "PRIVATE KEY" in text:
        for match in _PRIVATE_KEY.finditer(text):
            yield Found(match.start(), match.end(), "private_key")
    if "sk-" in text or "hf_" in text or "tgp_v1_" in text:
        for match in _MODEL_KEY.finditer(text):
            yield Found(match.start(), match.end(), "secret")
    for known in _patterns():
        if not any(need in text for need in known.needs):
            continue
        for match in known.pattern.finditer(text):
            start, end = match.span()
            if known.group:
                start, end = next(
                    (match.span(g) for g in range(known.pattern.groups, 0, -1) if match[g]), (start, end)
                )
            yield Found(start, end, known.kind)


def of_keys(keys: Iterable[str]) -> Finder:
    """A finder of exactly these keys."""
    known = sorted({key for key in keys if len(key) >= 8}, key=len, reverse=True)
    if not known:
        return lambda text: ()
    pattern = re.compile("|".join(map(re.escape, known)))
    return _all(pattern, "key")


def _all(pattern: re.Pattern[str], kind: str) -> Callable[[str], Iterator[Found]]:
    def find_all(text: str) -> Iterator[Found]:
        for match in pattern.finditer(text):
            yield Found(match.start(), match.end(), kind)

    return find_all
