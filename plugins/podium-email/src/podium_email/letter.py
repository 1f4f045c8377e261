"""A message as a mail: subject, headers of a good citizen, a text part and an HTML part that say the same.

Every word of a user is made visible and short before it gets near a header, and the e-mail package refuses a header
with a line break besides. In HTML every word is escaped; in both parts web addresses in words are broken, since mail
programs make links of what looks like one. The one link is that of the run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from html import escape

from podium.plugins import Message
from podium.plugins.channels import format_metric
from podium.plugins.words import unlinked, visible, web_link
from podium_email.options import Options

_SUBJECT, _LABEL, _LINE, _REASON = 200, 300, 500, 2000
_LINES, _METRICS, _MESSAGES = 20, 12, 100
_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
# An encoded word has at most 75 characters (RFC 2047, section 2), and its line 76.
_SHORT = SMTP.clone(cte_type="7bit", max_line_length=76)


class _Policy(EmailPolicy):
    """Long lines where all is ASCII, since the package would encode an id that does not fit into a short one."""

    def fold(self, name: str, value: str) -> str:
        lines: str = super().fold(name, value) if value.isascii() else _SHORT.fold(name, value)
        return lines

    def fold_binary(self, name: str, value: str) -> bytes:
        lines: bytes = super().fold_binary(name, value) if value.isascii() else _SHORT.fold_binary(name, value)
        return lines


_POLICY = _Policy(linesep="\r\n", cte_type="7bit", max_line_length=900)  # 7 bits for servers without 8BITMIME
_SMALL = "color:#666;font-size:12px"


def letter_of(message: Message, options: Options) -> EmailMessage:
    """Return the mail about a message; but for date and boundary a message always gives the same one."""
    letter = EmailMessage(policy=_POLICY)
    letter["From"] = _address(_header(options.sender_name, _LABEL), options.sender)
    letter["To"] = [_address("", receiver) for receiver in options.receivers]
    if options.reply_to:
        letter["Reply-To"] = _address("", options.reply_to)
    letter["Subject"] = _header(f"{options.subject_prefix} {message.title}", _SUBJECT)
    letter["Date"] = datetime.now(UTC)
    letter["Message-ID"] = f"<{_id(message.id)}@{options.domain}>"
    if not message.digest:
        # Nobody has the first mail of the thread: programs group by it all the same, one thread per model version.
        letter["References"] = letter["In-Reply-To"] = f"<{_thread(message)}@{options.domain}>"
    letter["List-Id"] = f"Podium <{options.list_id or _list_id(message, options)}>"
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    letter["X-Auto-Response-Suppress"] = "All"  # the same to Exchange
    letter["X-Podium-Event"] = f"{_id(message.event.id)} {_header(message.event.type, _LABEL)}"
    letter.set_content(_text(message))
    letter.add_alternative(_html(message), subtype="html")
    return letter


def _text(message: Message) -> str:
    rows = [f"{label}: {value}" for label, value in _facts(message)]
    link = _link(message)
    parts = [
        _words(message.title, _LINE),
        "\n".join(f"- {line}" for line in _lines(message)),
        "\n".join([*rows, *([f"Run: {link}"] if link else [])]),
        "\n".join([_metrics_title(message), *(f"- {line}" for line in _metrics(message))]) if message.metrics else "",
        "Reason:\n" + "\n".join(f"| {line}" for line in _reason(message).split("\n")) if _reason(message) else "",
        _footer(message),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _html(message: Message) -> str:
    link = _link(message)
    rows = [f"<tr><td><b>{label}</b></td><td>{escape(value)}</td></tr>" for label, value in _facts(message)]
    if link:
        rows.append(f'<tr><td><b>Run</b></td><td><a href="{escape(link)}">open the run</a></td></tr>')
    metrics = f"<p><b>{escape(_metrics_title(message))}</b></p>{_list(_metrics(message))}" if message.metrics else ""
    reason = escape(_reason(message)).replace("\n", "<br>")
    parts = [
        f'<p style="font-size:16px"><b>{escape(_words(message.title, _LINE))}</b></p>',
        _list(_lines(message)),
        f'<table cellpadding="4">{"".join(rows)}</table>' if rows else "",
        metrics,
        f"<p><b>Reason</b></p><blockquote>{reason}</blockquote>" if reason else "",
        f'<p style="{_SMALL}">{escape(_footer(message))}</p>',
    ]
    body = "\n".join(part for part in parts if part)
    return f'<!doctype html>\n<html><body style="font-family:sans-serif;font-size:14px">\n{body}\n</body></html>\n'


def _facts(message: Message) -> Iterator[tuple[str, str]]:
    if message.digest:
        return  # of several models, by several people
    yield "Model" if message.event.type.startswith("model") else "About", _words(message.model, _LABEL)
    if message.version:
        yield "Version", _words(message.version, _LABEL)
    stage = message.event.after.get("stage")
    if stage:
        yield "Stage", _words(stage, _LABEL)
    yield "By", _words(message.actor, _LABEL)
    yield "From", _words(message.origin, _LABEL) or "unknown"


def _lines(message: Message) -> list[str]:
    # The reason of the person has a place of its own.
    said = [line for line in message.lines if line != f"Reason: {message.event.reason}"]
    more = [f"… and {len(said) - _LINES} more"] if len(said) > _LINES else []
    return [_words(line, _LINE) for line in said[:_LINES]] + more + _digest(message)


def _digest(message: Message) -> list[str]:
    more = len(message.digest) - _MESSAGES
    told = [
        f"{_words(part.title, _LABEL)}, by {_words(part.actor, _LABEL)}, {_when(part)}"
        for part in message.digest[:_MESSAGES]
    ]
    return told + ([f"… and {more} more"] if more > 0 else [])


def _metrics(message: Message) -> list[str]:
    more = len(message.metrics) - _METRICS
    shown = [_words(format_metric(metric), _LABEL) for metric in message.metrics[:_METRICS]]
    return shown + ([f"… and {more} more"] if more > 0 else [])


def _metrics_title(message: Message) -> str:
    return f"Metrics, against {_words(message.previous, _LABEL)}:" if message.previous else "Metrics:"


def _reason(message: Message) -> str:
    reason = "" if message.digest else message.event.reason or ""
    return unlinked(visible(reason, _REASON, lines=True))


def _link(message: Message) -> str | None:
    return None if message.digest else web_link(message.link)


def _footer(message: Message) -> str:
    what = "digest" if message.digest else _words(message.event.type, _LABEL)
    return f"Podium, {_when(message)}, {what}"


def _list(lines: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>" if lines else ""


def _header(text: str, limit: int) -> str:
    # The e-mail package decodes an encoded word (=?utf-8?q?=0D=0ABcc...?=) that it is given, line breaks and all, and
    # writes them out: a header of a user's own. So nothing begins like one.
    return visible(text, limit).replace("=?", "= ?")


def _words(text: object, limit: int) -> str:
    return unlinked(visible(text, limit))


def _when(message: Message) -> str:
    return f"{message.event.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _address(name: str, address: str) -> Address:
    return Address(display_name=name, addr_spec=address)


def _id(text: str) -> str:
    return text if _SAFE_ID.fullmatch(text) else hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _thread(message: Message) -> str:
    about = f"{message.model} {message.version}".encode("utf-8", "replace")
    return f"podium.{hashlib.sha256(about).hexdigest()[:32]}"


def _list_id(message: Message, options: Options) -> str:
    label = re.sub(r"[^A-Za-z0-9-]+", "-", message.model.partition("/")[0]).strip("-")[:60]
    return f"{label or 'registry'}.podium.{options.domain}"
