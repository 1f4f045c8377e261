"""``podium history --explain``: each attempt to move a stage as its events tell it, for whoever asks a year later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from podium.cli.audit import utc_text
from podium.cli.gates import print_gates
from podium.cli.output import joined, print_pairs, print_rich, say, shell_word, styled

if TYPE_CHECKING:
    from rich.text import Text

    from podium.domain.explaining import Explanation, Statement

_STYLES = {"committed": "bold green", "refused": "bold red", "rejected": "bold red", "pending": "bold yellow"}
_ENDS = {"rolled_back": "rolled back to", "demoted": "taken from", "adopted": "taken over for"}
_ENDS |= {"released": "is no stage any more, and stays an alias of"}
_WORDS = {
    "pending": "waits to be given to",
    "refused": "refused to",
    "rejected": "rejected for",
    "cancelled": "not given to",
}


def print_explanations(found: Sequence[Explanation]) -> None:
    """Print attempts to move stages, with all that is known of each."""
    for number, item in enumerate(found):
        if number:
            say()
        _print_explanation(item)


def _print_explanation(item: Explanation) -> None:
    words = _WORDS.get(item.status) or _ENDS.get(item.kind, "given to")
    title = f"{item.stage} {words} {item.version}"
    forced = styled("  by force, gates were overruled", "bold red") if item.forced else styled("")
    print_rich(
        joined(
            styled(utc_text(item.asked_at), "dim"),
            styled("  "),
            styled(title, _STYLES.get(item.status, "bold")),
            forced,
        )
    )
    print_pairs(_facts(item), indent=2)
    if item.gates:
        say("  Gates")
        print_gates(item.gates, facts=True, indent=4)
    elif item.kind == "promoted" and item.policy:
        say("  Gates: the policy asked for nothing")
    if item.said:
        say("  Said")
        print_pairs([(f"{utc_text(word.at)} UTC", _said(word)) for word in item.said], indent=4)


def _facts(item: Explanation) -> list[tuple[str, str | Text]]:
    by_policy = item.kind in ("adopted", "released")  # who holds the name stays; what it is becomes another
    rows: list[tuple[str, str | Text]] = [("Model", item.model)]
    rows += [("Holder before", item.before or "nobody")] if not by_policy else []
    rows += [
        ("Asked", f"{utc_text(item.asked_at)} UTC by {item.asked_by} from {item.origin}"),
        ("Why", item.reason or "not said"),
    ]
    if item.decided_at is not None and (item.decided_at != item.asked_at or item.outcome):
        rows.append(("Decided", f"{utc_text(item.decided_at)} UTC by {item.decided_by}"))
    rows += [("Outcome", item.outcome)] if item.outcome else []
    rows += [("Policy", _policy(item.policy))] if item.kind == "promoted" or by_policy else []
    rows += [("Digest", item.digest)] if item.digest else []
    numbers = ", ".join(str(number) for number in item.sequences)
    return [*rows, ("Events", f"{numbers} of {item.model}"), *_request(item)]


def _request(item: Explanation) -> list[tuple[str, str | Text]]:
    return [("Request", item.transition)] if item.transition else []


def _policy(policy: Mapping[str, Any] | None) -> str:
    if not policy or "target" not in policy:
        return "not recorded by the Podium of then"
    if policy.get("revision") is None:
        return "Podium's own"
    target, revision = str(policy["target"]), policy["revision"]
    return f"{target}, revision {revision} (podium policy show {shell_word(target)} --revision {revision})"


def _said(word: Statement) -> str:
    told = f" (told by {word.actor})" if word.actor != word.person else ""
    return f"{word.person} {word.decision}{told}{': ' + word.comment if word.comment else ''}"
