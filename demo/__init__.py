"""The main job, end to end, on real public data: what ``python3 dev.py demo`` runs. Uses both sides, so it lives outside the rooms."""
