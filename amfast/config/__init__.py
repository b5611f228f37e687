"""The configuration file: YAML in, a frozen, checked configuration out."""
