"""What an agreement is exported as: for machines, for the record each party keeps, for the public, and for paper. Pure renderers."""
