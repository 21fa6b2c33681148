"""Questions of a user, answered in one table: which design fits my budgets, and in what designs differ."""
