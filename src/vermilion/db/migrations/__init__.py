"""Migrations: one file per change, in `versions`; `vermilion.db.schema` runs them."""
