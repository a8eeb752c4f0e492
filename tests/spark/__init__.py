"""Editions on Spark. Run by `python3 dev.py scale --spark-tests`, in an environment that has it."""
