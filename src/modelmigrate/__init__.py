"""Migrations derived from SQLAlchemy models by free Atlas."""
