"""Which mode is fastest where: latency, page work and number in flight, in every mode."""
