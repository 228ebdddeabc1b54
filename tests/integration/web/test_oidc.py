"""Logging in by an OpenID Connect provider, and what is not believed."""

import time
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import trustme
from joserfc.jwk import ECKey, OctKey
from sqlalchemy import select

from ledger.people.users import change_user
from ledger.store.schema import audit_log
from tests.integration.web.conftest import ADMIN, PASSWORD, opened
from tests.integration.web.oidc_provider import CLIENT, SECRET, provider

_RULES = """
[web_groups]
ops = ["operator"]
[web_users]
"asha@x.example" = "issuer"
"""


@pytest.fixture
def idp():
    with provider() as running:
        yield running


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "roles.toml"
    path.write_text(_RULES)
    path.chmod(0o600)
    return path


def _settings(idp, rules):
    return {
        "roles_file": rules,
        "web_oidc_issuer": idp.url,
        "web_oidc_client_id": CLIENT,
        "web_oidc_client_secret": SECRET,
    }


@pytest.fixture
def place(tmp_path, filled, idp, rules):
    with opened(tmp_path, filled, **_settings(idp, rules)) as console:
        yield console


def _begin(client, path="/login/oidc"):
    """Begin a login, and return the address to which the provider leads back."""
    answer = client.get(path)
    assert answer.status_code == 303, answer.text
    with httpx.Client(trust_env=False) as elsewhere:
        return elsewhere.get(answer.headers["location"]).headers["location"]


def _log_in(client):
    return client.get(_begin(client))


def test_the_providers_person_has_the_roles_of_the_groups(place, idp):
    client = place.browser()
    assert 'href="/login/oidc?next=/audit"' in client.get("/login?next=/audit").text
    answer = client.get(_begin(client, "/login/oidc?next=/audit"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/audit")
    (asked,) = idp.asked
    assert (asked["code_challenge_method"], asked["scope"]) == ("S256", "openid profile email")
    page = client.get("/campaigns/diwali").text
    assert "bo@x.example" in page
    assert 'title="operator"' in page
    with place.site.ledger.read() as connection:
        query = select(audit_log.c.verb, audit_log.c.after).where(
            audit_log.c.target == "user:bo@x.example"
        )
        assert connection.execute(query).all() == [("log in", "by the provider")]


@pytest.mark.parametrize("groups", [None, [], ["other"], "other", 7, [7, None]])
def test_without_a_mapped_role_a_page_says_so_and_no_session_begins(place, idp, groups):
    idp.person["groups"] = groups
    client = place.browser()
    answer = _log_in(client)
    assert answer.status_code == 403
    assert "bo@x.example has no role" in answer.text
    assert client.get("/").status_code == 303


def test_a_rule_makes_the_person_a_local_user(place, idp):
    idp.person["preferred_username"] = "Asha@x.example"
    client = place.browser()
    assert _log_in(client).status_code == 303
    assert ">issuer</span>" in client.get("/").text
    change_user(place.site.ledger, "issuer", ADMIN, verb="user disable", disabled=True)
    assert client.get("/").status_code == 303


def test_the_name_of_a_local_user_gives_nothing_without_a_rule(place, idp):
    idp.person["preferred_username"] = "admin"
    answer = _log_in(place.browser())
    assert answer.status_code == 403
    assert "a local user has this name" in answer.text


def test_a_role_that_the_file_takes_away_ends_the_session(place, idp, rules):
    client = place.browser()
    _log_in(client)
    assert client.get("/").status_code == 200
    rules.write_text("[web_groups]\n")
    assert client.get("/").status_code == 303


def test_a_roles_file_that_cannot_be_read_is_said_and_gives_no_role(place, rules):
    client = place.browser()
    _log_in(client)
    rules.write_text("[web_groups\n")
    for answer in (client.get("/"), _log_in(place.browser())):
        assert answer.status_code == 503
        assert "The roles cannot be read" in answer.text
        assert "it is not TOML" in answer.text


def _now(seconds):
    return int(time.time()) + seconds


_WRONG = {
    "issuer": {"iss": "https://evil.example"},
    "audience": {"aud": "another"},
    "audience of several": {"aud": [CLIENT, "another"]},
    "party": {"azp": "another"},
    "nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "expired": {"exp": _now(-120)},
    "from the future": {"iat": _now(3_600)},
    "not yet": {"nbf": _now(3_600)},
    "no time": {"exp": None},
    "no subject": {"sub": None},
    "another access token": {"at_hash": "AAAA"},
    "times that are none": {"exp": "soon"},
}


@pytest.mark.parametrize("claims", _WRONG.values(), ids=_WRONG)
def test_a_token_for_another_time_place_or_login_is_not_believed(place, idp, claims):
    idp.claims = claims
    client = place.browser()
    answer = _log_in(client)
    assert answer.status_code == 403
    assert "is not believed" in answer.text
    assert client.get("/").status_code == 303


def test_clocks_may_differ_by_a_minute(place, idp):
    idp.claims = {"iat": _now(30), "exp": _now(-30)}
    assert _log_in(place.browser()).status_code == 303


_SHARED = OctKey.import_key("a shared secret of the set, 32 b!")


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ({"alg": "ES256"}, ECKey.generate_key("P-256")),
        ({"alg": "HS256"}, OctKey.import_key(SECRET * 2)),
        ({"alg": "HS256"}, _SHARED),
        ({"alg": "HS256", "kid": _SHARED.thumbprint()}, _SHARED),
        ({"alg": "none"}, None),
    ],
    ids=["another key", "our secret", "the set's secret", "its id", "none"],
)
def test_only_the_key_pair_of_the_issuer_signs(place, idp, header, key):
    idp.header, idp.signing_key = header, key
    answer = _log_in(place.browser())
    assert answer.status_code == 403
    assert "is not believed" in answer.text


def test_an_answer_is_used_once(place):
    client = place.browser()
    back = _begin(client)
    cookies = dict(client.cookies)
    assert client.get(back).status_code == 303
    assert "was used already" in client.get(back).text
    again = place.browser()
    again.cookies.update(cookies)  # a copy of the browser's state: the provider refuses the code
    answer = again.get(back)
    assert answer.status_code == 403
    assert "invalid_grant" in answer.text


def test_another_browser_cannot_use_an_answer(place):
    back = _begin(place.browser())
    other = place.browser()
    _begin(other)
    for client in (place.browser(), other):
        answer = client.get(back)
        assert answer.status_code == 403
        assert "not begun in this browser" in answer.text


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"iss": "https://evil.example"}, "Another issuer answered"),
        ({"code": "", "error": "access_denied"}, "It did not log you in"),
        ({"code": "made-up"}, "invalid_grant"),
        ({"state": ""}, "not begun in this browser"),
    ],
)
def test_a_changed_answer_is_refused(place, change, shown):
    client = place.browser()
    parts = urlsplit(_begin(client))
    answer = client.get(parts.path, params=dict(parse_qsl(parts.query)) | change)
    assert answer.status_code == 403
    assert shown in answer.text


@pytest.mark.parametrize(
    ("metadata", "shown"),
    [
        ({"issuer": "https://evil.example"}, "names another issuer"),
        ({"token_endpoint": "http://evil.example/token"}, "no https:// address"),
        ({"jwks_uri": None}, "no https:// address"),
    ],
)
def test_a_discovery_document_must_be_the_issuers(place, idp, metadata, shown):
    idp.metadata = metadata
    answer = place.browser().get("/login/oidc")
    assert answer.status_code == 503
    assert shown in answer.text


def test_a_provider_may_take_the_secret_in_the_form(place, idp):
    idp.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert _log_in(place.browser()).status_code == 303


def test_a_name_must_be_there_and_an_address_verified(tmp_path, filled, idp, rules):
    more = {"web_oidc_name_claim": "email"}
    with opened(tmp_path, filled, **_settings(idp, rules), **more) as place:
        assert "no name in the claim email" in _log_in(place.browser()).text
        idp.person["email"] = "bo@x.example"
        idp.person["email_verified"] = False
        assert "has not verified" in _log_in(place.browser()).text
        idp.person["email_verified"] = True
        assert _log_in(place.browser()).status_code == 303


def test_while_the_provider_is_away_local_users_log_in(tmp_path, filled, rules):
    with provider() as gone:
        pass
    with opened(tmp_path, filled, **_settings(gone, rules)) as place:
        client = place.browser()
        answer = client.get("/login/oidc")
        assert answer.status_code == 503
        assert "gave no answer" in answer.text
        assert "A local user can still log in" in answer.text
        form = {"name": "viewer", "password": PASSWORD}
        assert client.post("/login", data=form).status_code == 303


def test_the_provider_is_trusted_by_the_ca_of_the_settings_only(tmp_path, filled, rules):
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    with provider(ssl_certfile=tmp_path / "own.pem") as idp:
        for known, status in (("", 503), (str(tmp_path / "ca.pem"), 303)):
            given = _settings(idp, rules) | {"web_oidc_tls_ca": known}
            with opened(tmp_path, filled, **given) as place:
                assert place.browser().get("/login/oidc").status_code == status


def test_without_the_setting_there_is_no_button_and_no_way(console):
    client = console.browser()
    assert "/login/oidc" not in client.get("/login").text
    assert client.get("/login/oidc").status_code == 404
    assert client.get("/login/oidc/callback?code=x&state=").status_code == 403
