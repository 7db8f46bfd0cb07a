"""Users of Locust who ask for one page again and again, by its fast client."""

from locust import FastHttpUser, task


class Reader(FastHttpUser):
    """Asks for the page that nginx has as soon as it got it."""

    @task
    def page(self) -> None:
        """Ask once; what it is told fails if the status is 400 or above."""
        self.client.get("/page.html")
