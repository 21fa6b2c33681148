"""`python -m benchmarks [file]` runs all benchmarks and writes their figures, by default to out/bench.json."""

from benchmarks.bench import main

if __name__ == "__main__":
    main()
