"""One plain function per verb: ``verb_noun(unit, command) -> value``. No host and no plugin is known here."""
