"""What a participant's project holds besides the service: the commands behind `make exercise`."""
