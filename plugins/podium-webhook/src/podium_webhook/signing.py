"""The headers of Standard Webhooks 1.0, signed by its own reference library.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

from podium.plugins import DeliveryFailedError

_PREFIX = "whsec_"
_SIZES = range(24, 65)
# A full stop would make the signed content ambiguous, and a line break another header.
_ID = re.compile(r"[A-Za-z0-9_-]{1,256}")


def signed_headers(message_id: str, body: str, secrets: Sequence[str]) -> dict[str, str]:
    """Return ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature`` for an attempt that is made now.

    Args:
        message_id: The same for every attempt, so that a receiver can tell what it has already.
        body: What is signed, to the letter.
        secrets: Each one or several ``whsec_...``, apart by spaces; there is a signature for each.

    Raises:
        DeliveryFailedError: There is no secret, or one that the specification does not allow; permanent.
    """
    if not _ID.fullmatch(message_id):
        raise _unusable("The id of this message cannot stand in a header.", "This is a fault of Podium; report it.")
    keys = list(dict.fromkeys(key for text in secrets for key in text.split()))
    if not keys:
        raise _unusable("There is no secret to sign with.", "Set 'secret' on the subscription.")
    now = datetime.now(UTC)
    signatures = [Webhook(_bytes(key)).sign(message_id, now, body) for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _bytes(key: str) -> bytes:
    try:
        found = base64.b64decode(key.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not key.startswith(_PREFIX) or len(found) not in _SIZES:
        # From None: what could not be read is the secret.
        hint = "It is whsec_ and 24 to 64 random bytes in base64: echo whsec_$(openssl rand -base64 32)"
        raise _unusable("A secret to sign with is not one of Standard Webhooks.", hint) from None
    return found


def _unusable(message: str, hint: str) -> DeliveryFailedError:
    return DeliveryFailedError(message, hint=hint, permanent=True)
