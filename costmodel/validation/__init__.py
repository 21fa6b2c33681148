"""Published chips and boards, and what the model predicts for them."""
