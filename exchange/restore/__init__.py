"""Backup and restore: what is copied, what is put back, and that nothing serves before everything destroyed since is destroyed again."""
