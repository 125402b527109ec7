"""Isolation: a child process that runs code nobody vouched for, and can hurt nobody.

`inside` runs in the child and locks it down. The rest runs in the host: what is to stay in reach (`reach`), the
extra layer of namespaces (`bubblewrap`), and which level can be had (`levels`).
"""
