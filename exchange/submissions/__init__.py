"""Submissions: taken in sealed, opened apart, held encrypted, disposed of on their day."""
