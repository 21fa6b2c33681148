"""Every command of `bnncost` with its options; what a command needs is imported when it runs, so it starts fast."""
