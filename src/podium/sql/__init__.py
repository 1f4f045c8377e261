"""Everything that is about the database and not about a verb: schema, engine, transactions, rows, errors."""
