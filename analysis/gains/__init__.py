"""What each method of a study brought over its fair pair, beside what it costs."""
