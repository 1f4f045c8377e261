"""The audit: history proven by its hashes, the registry compared with it, queries, and who held what when."""
