"""The report of `bnncost explore`: its jobs, its files and its page."""
