"""Every command of `bnncost` with its options; what a command needs is imported when it runs: it starts fast."""
