"""What each method of a study gained over its fair pair, beside what it costs."""
