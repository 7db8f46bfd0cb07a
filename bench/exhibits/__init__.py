"""Each claim of the article, and one on the life of a process, as an experiment with a verdict."""
