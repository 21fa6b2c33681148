"""`python -m analysis` is the command `bnncost`, for where its script is not on the path."""

from analysis.cli import main

if __name__ == "__main__":
    main()
