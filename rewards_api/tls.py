"""TLS contexts of HTTP calls: to the API, for its tokens, and to a webhook."""

import ssl

import httpx

from config.tls import TlsFiles


def make_context(files: TlsFiles) -> ssl.SSLContext:
    """Make a context that verifies the server's certificate and host name.

    Without a CA of its own it trusts certifi's, or those in OpenSSL's `SSL_CERT_FILE`.

    Raises:
        OSError: a file cannot be used.
    """
    if files.ca:
        context = ssl.create_default_context(cafile=files.ca)
    else:
        context = httpx.create_ssl_context()
    files.load_into(context)
    return context
