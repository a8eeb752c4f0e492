"""What runs on an agency's own machine, behind the ``exchange-agency`` command."""
