"""Clients of object storage, and their errors in our words.

The library is obstore: one wheel for S3, Google Cloud Storage and Azure. It reads the usual environment variables by
itself (``AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_ALLOW_HTTP``, ``GOOGLE_APPLICATION_CREDENTIALS``,
``AZURE_STORAGE_ACCOUNT_NAME``, ...). Its error texts may carry signed addresses and access keys: they are cut down
here, and never stand behind our errors as a cause.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from podium.errors import PodiumError, SettingsError, StorageError

if TYPE_CHECKING:
    from obstore.store import AzureStore, ClientConfig, GCSStore, RetryConfig, S3Store

    Client = S3Store | GCSStore | AzureStore

_user: list[int] = []

_ALLOW_HTTP = {"s3": "AWS_ALLOW_HTTP", "gs": "GOOGLE_ALLOW_HTTP", "az": "AZURE_ALLOW_HTTP"}
# A place that does not answer is known within seconds; a large object may take its time as long as bytes flow.
_CLIENT: ClientConfig = {
    "connect_timeout": timedelta(seconds=4),
    "read_timeout": timedelta(seconds=30),
    "timeout": timedelta(hours=6),
}
_RETRY: RetryConfig = {
    "max_retries": 3,
    "retry_timeout": timedelta(seconds=20),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2},
}


def connect(url: str) -> Client:
    """Return a client whose paths are below a URL; nothing is sent yet.

    Raises:
        SettingsError: The URL or what the environment says about its provider cannot be used.
        StorageError: This process is a child by fork of one that used object storage.
    """
    # With options of ours the library no longer asks the environment for this one.
    allowed = os.environ.get(_ALLOW_HTTP[url.partition(":")[0]], "").lower() in ("1", "true", "yes", "on")
    options: ClientConfig = {**_CLIENT, "allow_http": allowed}
    from obstore.exceptions import BaseError  # only who uses object storage pays for loading it
    from obstore.store import AzureStore, GCSStore, S3Store, from_url

    _claim_library(url)
    try:
        client = from_url(url, client_options=options, retry_config=_RETRY)
    except (BaseError, ValueError, TypeError, OSError) as error:
        raise SettingsError(
            f"The place {url} cannot be used: {brief(error)}.",
            hint="Check the URL and the environment variables of the provider, such as AWS_REGION.",
        ) from None
    assert isinstance(client, S3Store | GCSStore | AzureStore)
    return client


def _claim_library(url: str) -> None:
    """Note which process uses the library: its threads do not live on in a child by fork, which would wait for ever."""
    if not _user:
        _user.append(os.getpid())
    if _user[0] != os.getpid():
        raise StorageError(
            f"{url} cannot be used: this process was forked from one that uses object storage.",
            hint="Start worker processes by 'spawn' or 'forkserver', or fork before the first use.",
            path=url,
        )


@contextmanager
def object_errors(where: str) -> Iterator[None]:
    """Turn errors of object storage into `StorageError`; what is Podium's own passes.

    Raises:
        StorageError: The place failed.
    """
    try:
        yield
    except PodiumError:
        raise
    except FileNotFoundError as error:
        raise _failed(where, error, "Check that the bucket exists and that its region is right.") from None
    except Exception as error:
        hint = _hint(error)
        if not hint:
            raise
        raise _failed(where, error, hint) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what the library does about an endpoint that is no URL
            raise
        raise _failed(where, error, "Check the environment variables of the provider, the endpoint first.") from None


def _hint(error: Exception) -> str:
    """Return what to do about an error of the library; nothing for one that is not its own."""
    from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return "Check the credentials in the environment and what they may do there."
    # obstore raises NotImplementedError for what a service cannot do, such as a conditional put.
    if isinstance(error, BaseError | OSError | ValueError | NotImplementedError):
        return "Check the network, the endpoint and the bucket, then do it again."
    return ""


def brief(error: BaseException) -> str:
    """Return the first sentence of an SDK's error, without anything that may be secret in it."""
    text = str(error).split("\n", 1)[0]
    text = re.sub(r":?\s*<.*", "", text)  # the XML of the server repeats keys and signatures
    text = re.sub(r"(https?://)[^\s/@]*@", r"\1", text)
    text = re.sub(r"\?[^\s]*", "", text)
    return text.strip().rstrip(".")[:300] or type(error).__name__


def _failed(where: str, error: BaseException, hint: str) -> StorageError:
    return StorageError(f"{where} cannot be used: {brief(error)}.", hint=hint, path=where)
