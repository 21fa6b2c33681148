"""One design, or many, as answers: costs with breakdowns, ranges, sweeps, and the mappings behind them."""
