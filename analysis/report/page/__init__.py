"""The page of `bnncost explore`: accuracies, counts and prices as data, the files that show them, and its server."""
