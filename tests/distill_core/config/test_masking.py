"""What may be a key is masked, and what is none is not."""

import pytest

from distill_core.config.layers import Value
from distill_core.config.masking import masked, masked_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://host/v1", "http://host/v1"),
        ("http://ann:s3cret@host:8000/v1", "http://***@host:8000/v1"),
        ("https://s3cret@host/v1", "https://***@host/v1"),
        ("http://ann:s3/cret@host/v1", "http://***@host/v1"),
        ("http://host/v1?key=s3cret", "http://host/v1?***"),
        ("http://host/v1?next=http://s3cret", "http://host/v1?***"),
        ("http://host/v1#s3cret", "http://host/v1#***"),
        ("ann:s3cret@host", "***@host"),
        ("http://[s3cret@host", "http://***@host"),
    ],
)
def test_an_endpoint_keeps_its_host_and_path_only(url, shown):
    assert masked_url(url) == shown


def test_what_is_free_form_is_masked_by_its_name():
    engine = {
        "dtype": "half",
        "max_num_batched_tokens": 8,
        "hf_token": "s3cret",
        "inner": [{"apiKey": "s3cret"}],
    }
    shown = masked(Value("models.a.b.engine", engine, "file")).value
    assert shown == {
        "dtype": "half",
        "max_num_batched_tokens": 8,
        "hf_token": "***",
        "inner": [{"apiKey": "***"}],
    }


def test_other_settings_are_shown_as_they_are():
    value = Value("supervisor", "someone@model?", "flag")
    assert masked(value) == value


@pytest.mark.parametrize(("name", "shown"), [("MY_KEY", "MY_KEY"), ("tgp_v1_s3cret", "***")])
def test_a_key_in_the_place_of_its_variables_name_is_masked(name, shown):
    assert masked(Value("models.a.api_key_env", name, "flag")).value == shown
