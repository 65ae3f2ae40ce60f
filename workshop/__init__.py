"""A workshop scaffolded from the template: a room of participants, their exercises, the board."""
