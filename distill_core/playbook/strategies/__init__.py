"""The strategies, one file each. A file here that defines `STRATEGY` is a strategy; nothing else needs to know it."""
