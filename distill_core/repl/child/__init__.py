"""The inside of the REPL: what runs in the child process, beside code that a model wrote.

Standard library only. Nothing here is imported by the host, and nothing of the host is imported here: the
package is found by its folder alone, so that the child starts fast and holds no object of the application.
Between cells the child has one thread of its own, so that it may be forked there.
"""
