"""The data plane: packets through transmitters, by two engines with one meaning."""
