"""The model code behind Podium's demo, its example DAGs and its example flows.

It stands for your own package: the DAGs, flows and the script import it, and know nothing of scikit-learn themselves.
"""
