"""Files of one part's TLS: whom we trust, and how we identify ourselves."""

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of PEM files; "" means none."""

    ca: str = ""
    """Certificates of the authorities to trust, instead of the usual ones."""
    cert: str = ""
    """Our certificate, for a server that asks for one."""
    key: str = ""
    """The certificate's key, not encrypted; "": it is in the certificate's file."""

    def check(self, names: tuple[str, str, str]) -> None:
        """Make sure that the files can be used.

        Args:
            names: what the message calls the CA, the certificate and the key.

        Raises:
            ValueError: one cannot; the message begins with its name and ends with the remedy.
        """
        ca, cert, key = names
        if self.key and not self.cert:
            raise ValueError(f"{key}: there is no certificate for it: set {cert} too")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.ca:
            try:
                context.load_verify_locations(self.ca)
            except OSError as error:
                raise ValueError(
                    f"{ca}: {self.ca} {_explain(error)}: name a readable file of PEM certificates"
                ) from None
        try:
            self.load_into(context)
        except OSError as error:
            raise ValueError(
                f"{cert}: {self.cert} with {self.key or 'the key in it'} {_explain(error)}: "
                "name readable PEM files that belong together, the key without a passphrase"
            ) from None

    def load_into(self, context: ssl.SSLContext) -> None:
        """Identify ourselves with the certificate, if there is one.

        Raises:
            OSError: a file cannot be used.
        """
        if self.cert:
            # Without a passphrase OpenSSL would ask for it on the terminal, and wait.
            context.load_cert_chain(self.cert, self.key or None, password="")


USUAL_TLS = TlsFiles()
"""The usual authorities, and no certificate of our own."""


def _explain(error: Exception) -> str:
    kind = getattr(error, "reason", None) or getattr(error, "strerror", None)
    return f"cannot be used ({kind or type(error).__name__})"
