"""One file a provider: a way to run a model. A file here that defines `PROVIDER` is one; see `providing.Provider`."""
