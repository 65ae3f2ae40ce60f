"""The schema: models are the source of truth, migrations are derived SQL, `make` is the menu."""
