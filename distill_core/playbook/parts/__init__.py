"""The building blocks of generated programs: plain functions whose source is copied into the programs as it stands.

What enters here runs inside the REPL, so: standard library only, only modules that count as harmless, no name of the
REPL's own scaffold as an argument or local, nothing that a person could not read in a minute.
"""
