"""Which hosts are this machine."""

import pytest

from issuance.loopback import is_loopback


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost", "api.localhost", "127.0.0.1", "127.9.9.9", "::1"]
)
def test_a_connection_to_this_machine_crosses_no_network(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "0.0.0.0", "::", "10.0.0.1", "127.1", "localhost.test", "notlocalhost", "simulator"],
)
def test_any_other_host_may_be_another_machine(host):
    assert not is_loopback(host)
