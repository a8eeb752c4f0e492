"""The performance framework: measures worked out from published editions alone, with targets, national baselines and charts."""
