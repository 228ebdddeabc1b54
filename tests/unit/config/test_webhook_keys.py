"""The keys of a webhook are read as Standard Webhooks writes them."""

from base64 import b64encode

import pytest

from config.webhook_keys import read_webhook_keys


def _secret(length, prefix="whsec_"):
    return prefix + b64encode(bytes(range(length))).decode()


@pytest.mark.parametrize("length", [24, 32, 64])
def test_a_secret_is_read(length):
    assert read_webhook_keys(_secret(length)) == (bytes(range(length)),)


def test_several_secrets_and_none():
    assert read_webhook_keys(f" {_secret(24)}  {_secret(32)}\n") == (
        bytes(range(24)),
        bytes(range(32)),
    )
    assert read_webhook_keys("") == ()


@pytest.mark.parametrize(
    "text",
    [
        _secret(23),
        _secret(65),
        _secret(32, prefix=""),
        "whsec_",
        "whsec_%%%%",
        "whsec_ümlaut",
        "a-long-password-without-any-form",
        f"{_secret(32)} short",
    ],
)
def test_a_secret_of_another_form_is_refused_without_showing_it(text):
    with pytest.raises(ValueError, match="openssl") as refused:
        read_webhook_keys(text)
    key = text.split()[-1].removeprefix("whsec_")
    assert not key or key not in str(refused.value)
