"""From outbox rows to channels: at least once, in the process that made the change or in any other."""
