"""The two machine doors: agencies push, recipients pull. They parse, ask, call one story, and render."""
