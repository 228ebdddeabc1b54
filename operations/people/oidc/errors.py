"""Why a login by the provider did not work."""

from issuance.errors import ExplainedError


class OidcError(ExplainedError):
    """The provider cannot be used, or its answer is not believed. The message shows no secret."""
