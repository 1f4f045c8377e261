"""The same verdict on both databases for hostile text in every argument that names something."""

from __future__ import annotations

import pytest

from podium.errors import InvalidNameError, InvalidValueError, NotFoundError, PodiumError

HOSTILE = ["a\0b", "\ud800", "'; DROP TABLE runs; --", "x" * 5000, "..", "a/../b", "\u202eabc", "", None, 7, b"x"]

SET = "podium.set_alias"
VERBS = {
    "resolve": lambda registry, text: registry.resolve(text),
    "resolve_name": lambda registry, text: registry.resolve(f"p/{text}"),
    "resolve_alias": lambda registry, text: registry.resolve(f"p/a:{text}"),
    "versions": lambda registry, text: registry.versions(text),
    "files": lambda registry, text: registry.files(text),
    "collection": lambda registry, text: registry.collection(text),
    "model": lambda registry, text: registry.model(text),
    "models": lambda registry, text: registry.models(text) if text is not None else registry.models(""),
    "history": lambda registry, text: registry.history(text),
    "events": lambda registry, text: registry.events(text),
    "checks": lambda registry, text: registry.checks(text),
    "policy": lambda registry, text: registry.policy(text),
    "set_policy": lambda registry, text: registry.set_policy(text, {"stages": [{"name": "a"}]}),
    "promote": lambda registry, text: registry.promote(text, "production"),
    "promote_to": lambda registry, text: registry.promote("model-registry/M", text),
    "rollback": lambda registry, text: registry.rollback(text),
    "rollback_stage": lambda registry, text: registry.rollback("model-registry/M", text),
    "link": lambda registry, text: registry.link(text, "model-registry/M"),
    "link_model": lambda registry, text: registry.link("p/a", text),
    "set_alias": lambda registry, text: registry.set_alias("p/a", text),
    "remove_alias": lambda registry, text: registry.remove_alias("p/a", text),
    "record_check": lambda registry, text: registry.record_check("p/a", text, "pass"),
    "check_status": lambda registry, text: registry.record_check("p/a", "acc", text),
    "run": lambda registry, text: registry.run(text),
    "metrics": lambda registry, text: registry.metrics(text),
    "finish_run": lambda registry, text: registry.finish_run(text),
    "use": lambda registry, text: registry.use("p/a", text),
    "start_run": lambda registry, text: registry.start_run(text),
    "runs": lambda registry, text: registry.runs(text),
    "artifacts": lambda registry, text: registry.artifacts(text) if text is not None else registry.artifacts(""),
    "unsubscribe": lambda registry, text: registry.unsubscribe(text),
    "retry": lambda registry, text: registry.retry(text) if text is not None else registry.retry(""),
    "drop_deliveries": lambda registry, text: registry.drop_deliveries(text),
    "compare": lambda registry, text: registry.compare([text]),
    "history_alias": lambda registry, text: registry.history("p/a", text) if text is not None else registry.run(None),
    "deliveries": lambda registry, text: registry.deliveries(text) if text is not None else registry.run(None),
    "subscribe": lambda registry, text: registry.subscribe(text, "console"),
    "subscribe_event": lambda registry, text: registry.subscribe("s", "console", events=[text]),
    "automate": lambda registry, text: registry.automate(text, SET, events=["tag.*"], settings={"alias": "x"}),
    "automate_event": lambda registry, text: registry.automate("a", SET, events=[text], settings={"alias": "x"}),
    "automation": lambda registry, text: registry.automation(text),
    "stop_automation": lambda registry, text: registry.stop_automation(text),
    "enable_automation": lambda registry, text: registry.enable_automation(text),
    "test_automation": lambda registry, text: registry.test_automation(text),
}


@pytest.mark.parametrize("verb", VERBS)
def test_hostile_text_is_a_typed_error(registry, model_file, rows, verb) -> None:
    """Whatever is put into a verb as a name: a typed error that shows no SQL, and not a row changed."""
    registry.log("p/a", model_file("a"))
    registry.link("p/a", "model-registry/M")
    registry.promote("model-registry/M", "production")
    before = rows(registry)
    for text in HOSTILE:
        with pytest.raises((InvalidNameError, InvalidValueError, NotFoundError)) as caught:
            VERBS[verb](registry, text)
        assert "INSERT INTO" not in str(caught.value).upper()
        assert "psycopg" not in str(caught.value)
    assert rows(registry) == before


@pytest.mark.postgres
def test_the_verdict_is_the_same_on_both_databases(lite, new_pg_url, open_at, model_file, tmp_path) -> None:
    """Each verb answers each hostile text with the same class of error on SQLite and on PostgreSQL."""
    verdicts = []
    for registry in (lite, open_at(new_pg_url(), content=tmp_path / "other content")):
        registry.log("p/a", model_file("a"))
        registry.link("p/a", "model-registry/M")
        verdicts.append({(verb, repr(text)): verdict(registry, verb, text) for verb in VERBS for text in HOSTILE})
    assert verdicts[0] == verdicts[1]


def verdict(registry, verb, text) -> str:
    try:
        VERBS[verb](registry, text)
    except PodiumError as error:
        return type(error).__name__
    return "accepted"
