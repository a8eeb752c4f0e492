# Thin names for dev.py, which is where everything is: `python3 dev.py` lists it.
COMMANDS := demo sandbox test lint serve setup lock bench faults scale

.PHONY: help $(COMMANDS)
help:
	@python3 dev.py

$(COMMANDS):
	@python3 dev.py $@ $(ARGS)
