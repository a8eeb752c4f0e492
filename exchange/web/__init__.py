"""The pages for people: sign-in, the in-tray, organisations, people, and the agreements' screens."""
