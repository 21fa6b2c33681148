"""Tables, fronts, figures and the command line, on top of the cost model."""
