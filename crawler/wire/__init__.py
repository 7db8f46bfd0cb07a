"""The ways to the network, each connection asked for by a guard and held to a deadline."""
