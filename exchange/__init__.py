"""The hub: receives submissions, holds them as long as agreed, and publishes what every party allowed."""
