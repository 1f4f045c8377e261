"""Reading ``http(s)`` references with the standard library: what is followed and how often is decided here.

obstore's HTTP client cannot keep a query string, needs HEAD, and follows redirects by its own rules.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from podium.content.objects import brief
from podium.content.store import CHUNK
from podium.errors import StorageError

_SECONDS = 30.0
_PAUSES = (0.1, 0.4, None)
_NO_HEAD = (403, 405, 501)  # servers that sign addresses per method answer 403


class _SameKind(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https only, and never from https back to http."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        old, new = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if new not in ("http", "https") or (old == "https" and new == "http"):
            raise urllib.error.URLError(f"it redirects to {new}://, which is not followed")
        made = super().redirect_request(req, fp, code, msg, headers, newurl)
        if made is not None and req.get_method() == "HEAD":
            made.method = "HEAD"
        return made


def _opener() -> urllib.request.OpenerDirector:
    opener = urllib.request.OpenerDirector()  # without the handlers for file, ftp and data
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _SameKind(),
    ):
        opener.add_handler(handler)
    return opener


def head(uri: str) -> tuple[int, str | None]:
    """Return the length and ETag of a web resource; 0 and None where the server does not say.

    Raises:
        FileNotFoundError: It answers 404 or 410.
        StorageError: The server fails or cannot be reached.
    """
    try:
        with _open(uri, "HEAD") as answer:
            return _length(answer) or 0, answer.headers.get("ETag")
    except urllib.error.HTTPError as error:
        error.close()
        if error.code not in _NO_HEAD:
            raise failed(uri, error) from error
    with _get(uri) as answer:
        return _length(answer) or 0, answer.headers.get("ETag")


@contextmanager
def stream(uri: str) -> Iterator[tuple[int, str | None, Iterator[bytes]]]:
    """Open a web resource: its length (0 if unknown), its ETag, and its bytes.

    Raises:
        FileNotFoundError: It answers 404 or 410.
        StorageError: The server fails or breaks off.
    """
    with _get(uri) as answer:
        yield _length(answer) or 0, answer.headers.get("ETag"), _chunks(uri, answer)


@contextmanager
def _get(uri: str) -> Iterator[Any]:
    try:
        answer = _open(uri, "GET")
    except urllib.error.HTTPError as error:
        error.close()
        raise failed(uri, error) from error
    with answer:
        yield answer


def _chunks(uri: str, answer: Any) -> Iterator[bytes]:
    expected, done = _length(answer), 0
    try:
        while chunk := answer.read(CHUNK):
            done += len(chunk)
            yield chunk
    except (OSError, http.client.HTTPException) as error:
        raise failed(uri, error) from error
    if expected is not None and done != expected:  # read(n) does not say that the connection broke
        raise StorageError(f"{uri} broke off after {done} of {expected} bytes.", hint="Do it again.", path=uri)


def _open(uri: str, method: str) -> Any:
    """Send a request; servers that fail for a moment are asked again.

    Raises:
        urllib.error.HTTPError: The server refuses.
        FileNotFoundError: It answers 404 or 410.
        StorageError: It cannot be reached.
    """
    request = urllib.request.Request(  # noqa: S310 - check_uri let http and https pass, no other scheme
        uri, method=method, headers={"User-Agent": "podium", "Accept-Encoding": "identity"}
    )
    for pause in _PAUSES:
        try:
            return _opener().open(request, timeout=_SECONDS)
        except urllib.error.HTTPError as error:
            if error.code in (404, 410):
                error.close()
                raise FileNotFoundError(f"{uri} is not there") from None
            if error.code < 500 or error.code == 501 or pause is None:
                raise
            error.close()
        except (OSError, http.client.HTTPException) as error:
            if pause is None:
                raise failed(uri, error) from error
        time.sleep(pause)
    raise AssertionError("unreachable")  # pragma: no cover - the last pause is None


def _length(answer: Any) -> int | None:
    with suppress(TypeError, ValueError):
        return int(answer.headers.get("Content-Length"))
    return None


def failed(uri: str, error: BaseException) -> StorageError:
    """Return the error about a server that does not give what it should."""
    reason = getattr(error, "reason", None)  # urllib wraps what really happened
    cause = reason if isinstance(reason, BaseException) else error
    return StorageError(
        f"{uri} cannot be read: {brief(cause)}.", hint="Check the address and the server, then do it again.", path=uri
    )
