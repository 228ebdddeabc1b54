"""URLs of Redis and RabbitMQ: their options, in one form for both clients that read the same URL.

kombu and redis-py read a URL's query differently: one wants `CERT_REQUIRED` where the other wants
`required`, and kombu fails at options that it does not expect. So options are read here, checked at
the start, and given to each client as arguments.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

Value = str | int | float | bool

_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_CERT_REQS = ("none", "optional", "required")


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise ValueError
    return seconds


def _whole(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def _text(text: str) -> str:
    if not text:
        raise ValueError
    return text


def _flag(text: str) -> bool:
    if text.lower() not in (*_TRUE, *_FALSE):
        raise ValueError
    return text.lower() in _TRUE


def _certificate(text: str) -> str:
    """Read `required` and `CERT_REQUIRED`: redis-py's form and kombu's."""
    value = text.lower().removeprefix("cert_")
    if value not in _CERT_REQS:
        raise ValueError
    return value


_Reader = Callable[[str], Value]
_TLS: Mapping[str, _Reader] = {
    "ssl_cert_reqs": _certificate,
    "ssl_ca_certs": _text,
    "ssl_ca_path": _text,
    "ssl_certfile": _text,
    "ssl_keyfile": _text,
    "ssl_check_hostname": _flag,
}
_REDIS: Mapping[str, _Reader] = {
    "db": _whole,
    "client_name": _text,
    "health_check_interval": _whole,
    "max_connections": _whole,
    "socket_connect_timeout": _seconds,
    "socket_keepalive": _flag,
    "socket_timeout": _seconds,
    **_TLS,
}
_RABBITMQ: Mapping[str, _Reader] = {
    "connect_timeout": _seconds,
    "heartbeat": _whole,
    # RabbitMQ's client cannot read a folder of certificates.
    **{name: reader for name, reader in _TLS.items() if name != "ssl_ca_path"},
}
_PLAIN = {"redis": "rediss", "amqp": "amqps"}


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """A URL without its query, and the query's options."""

    url: str
    options: Mapping[str, Value]

    @classmethod
    def parse(cls, url: str) -> "ServerUrl":
        """Split a URL of Redis or RabbitMQ; an absent or other URL has no options.

        Raises:
            ValueError: the URL cannot be read, or an option is unknown or wrong. The message shows
                nothing secret.
        """
        known = (
            _REDIS
            if url.startswith(("redis:", "rediss:"))
            else _RABBITMQ
            if url.startswith(("amqp:", "amqps:"))
            else None
        )
        if known is None:
            return cls(url, {})
        parts = urlsplit(url)
        if not _is_readable(parts):
            raise ValueError(
                "cannot be read as a URL: write the characters @ / ? # : % of a password as %40 "
                "%2F %3F %23 %3A %25"
            )
        options = dict(_options(parts.query, known))
        secure = _PLAIN.get(parts.scheme)
        if secure and (tls := sorted(_TLS.keys() & options)):
            raise ValueError(
                f"has the TLS option {tls[0]}: write {secure}:// instead of {parts.scheme}://"
            )
        path = f"/{options.pop('db')}" if "db" in options else parts.path
        return cls(urlunsplit((parts.scheme, parts.netloc, path, "", "")), options)

    @property
    def tls(self) -> dict[str, Value]:
        """The TLS options of clients of Redis.

        Certificate and host name are verified unless an option says otherwise.
        """
        tls: dict[str, Value] = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
        return tls | {name: value for name, value in self.options.items() if name in _TLS}

    @property
    def rabbitmq_tls(self) -> dict[str, Any]:
        """The same for RabbitMQ's client."""
        options = self.tls
        names = {"ssl_ca_certs": "ca_certs", "ssl_certfile": "certfile", "ssl_keyfile": "keyfile"}
        tls: dict[str, Any] = {new: options[name] for name, new in names.items() if name in options}
        if options["ssl_cert_reqs"] == "none":
            return tls | {"cert_reqs": ssl.CERT_NONE}
        tls["cert_reqs"] = ssl.CERT_REQUIRED
        if options["ssl_check_hostname"]:
            # The name to ask for is the name to check.
            tls["server_hostname"] = urlsplit(self.url).hostname
        return tls

    @property
    def redis_arguments(self) -> dict[str, Any]:
        """The arguments of redis-py's `from_url`, except the URL."""
        tls = self.tls if self.url.startswith("rediss:") else {}
        return {**self.options, **tls}


def _is_readable(parts: SplitResult) -> bool:
    """Whether each part is where it belongs: a password may have been written as it is."""
    try:
        return parts.port != 0 and not parts.fragment and "@" not in parts.path + parts.query
    except ValueError:
        return False


def _options(query: str, known: Mapping[str, _Reader]) -> list[tuple[str, Value]]:
    found: dict[str, Value] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in known:
            raise ValueError(f"has the unknown option {name}: known are {', '.join(sorted(known))}")
        if name in found:
            raise ValueError(f"has the option {name} twice: remove one")
        try:
            found[name] = known[name](text)
        except ValueError:
            raise ValueError(f"has a wrong value of the option {name}: {_wanted(name)}") from None
    return list(found.items())


def _wanted(name: str) -> str:
    wanted = {
        "ssl_cert_reqs": "give required, optional or none",
        "db": "give a database's number",
        "heartbeat": "give whole seconds",
        "health_check_interval": "give whole seconds",
        "max_connections": "give a whole number",
    }
    if name.endswith("timeout"):
        return "give seconds above 0"
    if name in ("socket_keepalive", "ssl_check_hostname"):
        return "give true or false"
    return wanted.get(name, "give a value")
