"""URIs of references: one check with the same verdict everywhere, before anything is asked or stored."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from podium.errors import InvalidValueError

LONGEST = 2048
_OBJECTS = {"s3": 1, "gs": 1, "az": 2}  # how many parts name the bucket
_SCHEMES = ("file", "http", "https", *_OBJECTS)
_SECRET_WORDS = ("signature", "token", "secret", "passw", "credential", "accesskey", "apikey", "auth", "session", "jwt")
_SECRET_KEYS = ("sig", "key", "pw", "pwd")


@dataclass(frozen=True, slots=True)
class Address:
    """A checked URI.

    Attributes:
        uri: The URI as it is stored.
        scheme: ``file, http, https, s3, gs`` or ``az``.
        root: The bucket as a URL; empty for the others.
        key: The key in the bucket, or the path of a file.
    """

    uri: str
    scheme: str
    root: str
    key: str

    @property
    def is_prefix(self) -> bool:
        """Whether it names everything below it."""
        return self.key.endswith("/") or not self.key

    @property
    def name(self) -> str:
        """The last part of its path."""
        last = self.key.rstrip("/").rpartition("/")[2]
        return unquote(last) if self.scheme in ("http", "https") else last

    def below(self, key: str) -> Address:
        """Return the address of another key of the same bucket."""
        return Address(f"{self.root}/{key}", self.scheme, self.root, key)


def check_uri(uri: str) -> Address:
    """Validate the URI of a reference; a plain path becomes a ``file://`` URI.

    Raises:
        InvalidValueError: It is empty, too long, holds control characters or credentials, or has another scheme than
            ``file, http, https, s3, gs, az``.
    """
    if not isinstance(uri, str) or not uri.strip():
        raise InvalidValueError("The URI of a reference is empty.", hint="Give a path or a URL.")
    if any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in uri):
        raise _bad(uri, "holds a control or formatting character", "Remove it.")
    scheme, found, rest = uri.partition("://")
    if not found:
        return _file(str(Path(uri).expanduser().absolute()) + ("/" if uri.endswith("/") else ""))
    scheme = scheme.lower()
    if scheme not in _SCHEMES:
        raise _bad(uri, "has a scheme that Podium cannot read", f"Use one of {', '.join(_SCHEMES)}.")
    if scheme == "file":
        if not rest.removeprefix("localhost").startswith("/"):
            raise _bad(uri, "names a file of another machine", "Write file:///PATH.")
        return _file(unquote(rest.removeprefix("localhost")))
    _check_length(uri)
    if "@" in rest.split("/", 1)[0]:
        raise _bad(uri, "carries credentials", _KEEP_OUT)
    return _web(uri, scheme) if scheme in ("http", "https") else _object(uri, scheme, rest)


def _file(path: str) -> Address:
    if ".." in path.split("/") or "\x00" in path:
        raise _bad(path, "has a '..' in it", "Write the path without it.")
    uri = f"file://{quote(path)}"
    _check_length(uri)
    return Address(uri, "file", "", path)


def _web(uri: str, scheme: str) -> Address:
    if not uri.isascii() or " " in uri or "\\" in uri:
        raise _bad(uri, "holds characters that a URL must not", "Write them percent-encoded.")
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:
        raise _bad(uri, "names no host", "Write https://HOST/PATH.")
    for pair in parts.query.split("&"):
        key = unquote(pair.partition("=")[0]).lower().replace("-", "").replace("_", "")
        if key in _SECRET_KEYS or any(word in key for word in _SECRET_WORDS):
            raise _bad(uri, "is signed or carries credentials in its query", _KEEP_OUT)
    return Address(uri, scheme, "", parts.path)


def _object(uri: str, scheme: str, rest: str) -> Address:
    depth = _OBJECTS[scheme]
    parts = rest.split("/")
    if len(parts) < depth or not all(parts[:depth]) or "?" in rest or "#" in rest:
        raise _bad(uri, "names no bucket, or has a query", f"Write {scheme}://{'ACCOUNT/' * (depth - 1)}BUCKET/KEY.")
    key = "/".join(parts[depth:])
    if any(part in ("", ".", "..") for part in key.removesuffix("/").split("/")) and key:
        raise _bad(uri, "has an empty part or a '..'", "Write the key as the bucket lists it.")
    return Address(uri, scheme, f"{scheme}://{'/'.join(parts[:depth])}", key)


_KEEP_OUT = "A reference is stored for all to see: keep credentials in the environment of whoever reads it."


def _check_length(uri: str) -> None:
    if len(uri.encode("utf-8")) > LONGEST:
        raise _bad(uri[:80], f"has more than {LONGEST} bytes", "Use a shorter one.")


def _bad(uri: str, what: str, hint: str) -> InvalidValueError:
    # What may be a secret is not repeated: the error goes to logs.
    shown = uri.split("?", 1)[0].rpartition("@")[2].encode("utf-8", "replace").decode("utf-8")[:200]
    return InvalidValueError(f"The URI {shown!r} {what}.", hint=hint)
