"""What Slack's refusals mean: whether trying again can help, and what a person can do.

The codes are those of https://docs.slack.dev/reference/methods/chat.postMessage and
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
"""

from __future__ import annotations

from dataclasses import dataclass

from podium.plugins import DeliveryFailedError

_TOKEN = "Check the secret behind the setting 'token': it must be the bot token of an installed app, xoxb-..."  # noqa: S105 - a hint
_CHANNEL = "Check the setting 'channel'; a private channel must have invited the app."
_POST = "Check in Slack whether the app may post there."
_WEBHOOK = "Make a new incoming webhook and put it behind the setting 'webhook_url'."
_SCOPE = "Give the app the scope chat:write and install it again."
_REPORT = "This is a fault of podium-slack; please report it."

# Trying again cannot help until a person has done what is said here.
PERMANENT = {
    "invalid_auth": _TOKEN,
    "not_authed": _TOKEN,
    "account_inactive": _TOKEN,
    "token_revoked": _TOKEN,
    "token_expired": _TOKEN,
    "not_allowed_token_type": _TOKEN,
    "missing_scope": _SCOPE,
    "no_permission": _SCOPE,
    "channel_not_found": _CHANNEL,
    "invalid_channel": _CHANNEL,
    "user_not_found": _CHANNEL,
    "is_archived": "Choose another channel, or take this one out of the archive.",
    "channel_is_archived": "Choose another channel, or take this one out of the archive.",
    "not_in_channel": "Invite the app to the channel, or give it the scope chat:write.public.",
    "restricted_action": _POST,
    "restricted_action_read_only_channel": _POST,
    "restricted_action_thread_only_channel": _POST,
    "restricted_action_non_threadable_channel": _POST,
    "restricted_action_thread_locked": _POST,
    "accesslimited": _POST,
    "action_prohibited": _POST,
    "access_denied": _POST,
    "ekm_access_denied": _POST,
    "enterprise_is_restricted": _POST,
    "team_access_not_granted": _POST,
    "org_login_required": _POST,
    "no_service": _WEBHOOK,
    "no_service_id": _WEBHOOK,
    "no_team": _WEBHOOK,
    "no_active_hooks": _WEBHOOK,
    "team_disabled": _WEBHOOK,
    "invalid_token": _WEBHOOK,
    "unknown_method": "Check the setting 'base_url'; the Web API of Slack is at https://slack.com/api/.",
    "invalid_payload": _REPORT,
    "invalid_blocks": _REPORT,
    "invalid_blocks_format": _REPORT,
    "invalid_arguments": _REPORT,
    "msg_too_long": _REPORT,
    "msg_blocks_too_long": _REPORT,
    "metadata_too_large": _REPORT,
    "invalid_metadata_format": _REPORT,
    "invalid_metadata_schema": _REPORT,
    "no_text": _REPORT,
}
_RATE_LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_PASSING = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org"})
# Too early or too slow: the only answers of the 400s that time alone can mend.
_MENDED_BY_TIME = frozenset({408, 425})


@dataclass(frozen=True, slots=True)
class Answer:
    """What Slack said, through either way in.

    Attributes:
        status: HTTP status.
        ok: Whether it was taken.
        channel: The id of the channel that has the message; None from a webhook.
        ts: What names the message in its channel; None from a webhook.
        error: The code of a refusal, such as ``invalid_auth``.
        retry_after: Seconds that Slack asked to wait.
    """

    status: int
    ok: bool = False
    channel: str | None = None
    ts: str | None = None
    error: str | None = None
    retry_after: int | None = None


def passes(answer: Answer) -> bool:
    """Whether a refusal passes with time, by what Slack documents of it."""
    limited = answer.status == 429 or answer.error in _RATE_LIMITED
    return limited or answer.status >= 500 or answer.error in _PASSING


def failure(answer: Answer) -> DeliveryFailedError:
    """Return the error for an answer that is a refusal; its text is our own words and Slack's code, nothing else."""
    facts = {"status": answer.status, "slack_error": answer.error}
    if answer.status == 429 or answer.error in _RATE_LIMITED:
        wait = f" and asks to wait {answer.retry_after} s" if answer.retry_after is not None else ""
        hint = "The message goes out later by itself."
        return DeliveryFailedError(
            f"Slack limits the rate{wait}.", hint=hint, retry_after=answer.retry_after, permanent=False, **facts
        )
    said = f"Slack refused the message: {answer.error}." if answer.error else f"Slack answered {answer.status}."
    if answer.status >= 500:
        hint = "Slack has a problem of its own; https://slack-status.com says more."
        return DeliveryFailedError(said, hint=hint, permanent=False, **facts)
    if answer.error in PERMANENT:
        return DeliveryFailedError(said, hint=PERMANENT[answer.error], permanent=True, **facts)
    lasting = answer.status >= 400 and answer.status not in _MENDED_BY_TIME
    hint = "What answered does not speak as Slack does: check 'webhook_url' or 'base_url', or a proxy on the way."
    if answer.error:
        hint = "Slack's documentation of chat.postMessage and of incoming webhooks says what the word means."
    return DeliveryFailedError(said, hint=hint, permanent=lasting, **facts)
