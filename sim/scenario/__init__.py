"""The scenario room: a user's YAML file in, one frozen `Scenario` out."""
