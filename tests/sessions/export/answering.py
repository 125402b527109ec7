"""A process that answers each line that it reads, begun by the tests of others."""

import sys

if __name__ == "__main__":
    for line in sys.stdin:
        print(line.strip() + ", anew", flush=True)
