"""Logging in by others is on as a whole or off; a half setting is refused with its remedy."""

import pytest
from pydantic import ValidationError

from config.settings import Settings

_OIDC = {"web_oidc_issuer": "https://login.example/realm", "web_oidc_client_id": "console"}
_PROXY = {"web_proxy_addresses": "10.0.0.5, fd00::/8", "web_proxy_user_header": "X-User"}


@pytest.mark.parametrize(
    "given",
    [
        {},
        _OIDC,
        _PROXY,
        _PROXY | {"web_proxy_groups_header": "X-Groups"},
        _OIDC | {"web_oidc_issuer": "http://127.0.0.1:9000"},
    ],
)
def test_whole_settings_are_accepted(tmp_path, given):
    settings = Settings(home=tmp_path, **given)
    assert len(settings.web_proxy_addresses) == (2 if "web_proxy_addresses" in given else 0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"web_oidc_client_id": "console"}, "set ISSUANCE_WEB_OIDC_ISSUER too"),
        ({"web_oidc_issuer": "https://login.example"}, "needs ISSUANCE_WEB_OIDC_CLIENT_ID"),
        (_OIDC | {"web_oidc_issuer": "http://login.example"}, "must be an https:// URL"),
        (_OIDC | {"web_oidc_issuer": "login.example"}, "must be an https:// URL"),
        (_OIDC | {"web_oidc_issuer": "https://login.example/?a=b"}, "without ? and #"),
        (_OIDC | {"web_oidc_scopes": "profile"}, "must contain openid"),
        (_OIDC | {"web_oidc_tls_ca": "/absent.pem"}, "WEB_OIDC_TLS_CA: /absent.pem"),
        ({"web_proxy_addresses": "10.0.0.5"}, "set ISSUANCE_WEB_PROXY_USER_HEADER too"),
        ({"web_proxy_user_header": "X-User"}, "in ISSUANCE_WEB_PROXY_ADDRESSES too"),
        ({"web_proxy_groups_header": "X-Groups"}, "in ISSUANCE_WEB_PROXY_ADDRESSES too"),
        (_PROXY | {"web_proxy_addresses": "anywhere"}, "must be networks"),
        (_PROXY | {"web_proxy_user_header": "X User"}, "should match pattern"),
    ],
)
def test_a_half_or_unsafe_setting_is_refused_with_its_remedy(tmp_path, given, message):
    with pytest.raises(ValidationError) as caught:
        Settings(home=tmp_path, **given)
    assert message in str(caught.value)
