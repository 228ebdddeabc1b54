"""Keys derived from the deployment's secret."""

import pytest

from issuance.derived_keys import SECRET_BYTES, Purpose, derive_key

_SECRET = bytes(range(SECRET_BYTES))


def test_each_purpose_has_a_key_of_its_own():
    keys = {derive_key(_SECRET, purpose) for purpose in Purpose}
    assert len(keys) == len(Purpose)
    assert {len(key) for key in keys} == {SECRET_BYTES}


def test_a_key_stays_the_same():
    # Another key would derive other requestIds, and issue again.
    assert (
        derive_key(_SECRET, Purpose.REQUEST_IDS).hex()
        == "849dfcb6417929abdea3716c8215ebef1534dd1240a72ab6974d0c9d3cebb699"
    )


def test_another_secret_gives_other_keys():
    other = bytes(reversed(_SECRET))
    assert derive_key(other, Purpose.CHUNKS) != derive_key(_SECRET, Purpose.CHUNKS)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_secret_of_another_length_is_refused(length: int):
    with pytest.raises(ValueError, match="32 bytes"):
        derive_key(bytes(length), Purpose.CHUNKS)
