"""The isolation study: what each repair is worth beside its own fair pair, from runs that a plan lists."""
