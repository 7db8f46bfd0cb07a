"""Measure the crawl through its front door, one fresh interpreter for each cell."""
