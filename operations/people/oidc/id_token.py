"""Verifies an ID token, and reads the person from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from operations.people.external import ExternalPerson
from operations.people.oidc.errors import OidcError

_ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
"""Signatures with a key pair. A signature with a shared secret, or none, is refused."""
_CLOCK_SKEW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token must say."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str


def verify(token: str, keys: Mapping[str, Any], expected: Expected) -> dict[str, Any]:
    """Return the claims of an ID token that the issuer made for us, now, for this login.

    Raises:
        OidcError: signature, issuer, audience, time or nonce is not as it must be.
    """
    try:
        found = jwt.decode(token, KeySet.import_key_set(_public(keys)), algorithms=_ALGORITHMS)
        claims = CodeIDToken(
            found.claims,
            found.header,
            {
                "iss": {"essential": True, "value": expected.issuer},
                "aud": {"essential": True, "value": expected.client_id},
            },
            {
                "nonce": expected.nonce,
                "client_id": expected.client_id,
                "access_token": expected.access_token,
            },
        )
        claims.validate(leeway=_CLOCK_SKEW_SECONDS)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        # The others: parts of a key or a token that have another type than they must have.
        raise OidcError(f"Its ID token is not believed ({_explain(error)})") from None
    return dict(claims)


def _public(keys: Mapping[str, Any]) -> Any:
    """Return the key pairs' keys: a shared secret in the set must verify nothing."""
    return {"keys": [key for key in keys["keys"] if key.get("kty") != "oct"]}


def _explain(error: Exception) -> str:
    name = type(error).__name__.removesuffix("Error")
    claim = getattr(error, "claim", "")
    return f"{name}: {claim}" if isinstance(claim, str) and claim else name


def person_of(claims: Mapping[str, Any], *, name_claim: str, groups_claim: str) -> ExternalPerson:
    """Return the person of an ID token's claims.

    Raises:
        OidcError: it has no usable name, or an e-mail address that was not verified.
    """
    name = claims.get(name_claim)
    if name_claim == "email" and claims.get("email_verified") is False:
        raise OidcError("It has not verified this person's e-mail address")
    groups = claims.get(groups_claim) or []
    given = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
    known = [group for group in given if isinstance(group, str)]
    person = ExternalPerson.named(name, known) if isinstance(name, str) else None
    if person is None:
        raise OidcError(
            f"Its ID token has no name in the claim {name_claim}: name another one in "
            "ISSUANCE_WEB_OIDC_NAME_CLAIM, or let the provider send it"
        )
    return person
