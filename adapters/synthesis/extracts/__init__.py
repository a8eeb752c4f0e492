"""What each agency's system would export of the events, column by column, under the names of its adapter."""
