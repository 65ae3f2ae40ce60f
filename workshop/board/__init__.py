"""The board: a live page of who is where, for the room and its instructor."""
