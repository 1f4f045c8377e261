"""What a digits classifier must show before it goes to production."""

from __future__ import annotations

from importlib.resources import files

import podium
from podium_demo.digits import held_out_accuracy

TOLERANCE = 0.005

# The same file as 'podium policy apply' takes.
POLICY = podium.Policy.from_yaml(
    files("podium_demo").joinpath("policy.yaml").read_text(encoding="utf-8"), "policy.yaml"
)


@podium.check(name="held_out_accuracy", at_least=0.8)
def accurate_enough(model_version: podium.TestSubject) -> float:
    """At least 80 % of the images that no training has seen are read right."""
    return held_out_accuracy(model_version.path)


@podium.check
def not_worse_than_champion(
    model_version: podium.TestSubject, champion: podium.TestSubject | None
) -> podium.CheckResult:
    """Not worse on held-out images than what is in production now, within half a percentage point."""
    mine = held_out_accuracy(model_version.path)
    if champion is None:
        return podium.CheckResult(
            "not_worse_than_champion", "pass", "There is no other version in production to compare with."
        )
    best = held_out_accuracy(champion.path)
    good = mine >= best - TOLERANCE
    return podium.CheckResult(
        "not_worse_than_champion",
        "pass" if good else "fail",
        f"It reads {mine:.1%} of the held-out images right; {champion.version.version} in production reads {best:.1%}.",
        {"candidate": mine, "champion": best},
    )
