"""Build the parts of a crawl or a load test and hand them over; the one layer that knows all."""
