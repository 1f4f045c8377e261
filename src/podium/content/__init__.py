"""The bytes of artifacts: content-addressed, hashed on every way in and out."""
