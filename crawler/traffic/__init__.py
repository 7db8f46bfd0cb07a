"""The load tool: when requests are due, how they leave, what came of them, and what it means."""
