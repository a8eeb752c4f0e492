"""Accounts of those who sign in: people, their passkeys, invitations and sessions."""
