"""What is true without a machine: no I/O, no clock, no thread, no loop, no random source."""
