"""Search at scale: the same registry at two sizes, in Podium and in MLflow."""
