"""A guest with a browser: his own token beside the page's key."""

from tests.api.client import ApiClient


class Guest:
    def __init__(self, page: ApiClient) -> None:
        self.guest = page.post("/admission/v1/auth/guest", {}).json
        self.api = ApiClient({**page.headers, "Authorization": f"Bearer {self.guest['access_token']}"})
        self.id = self.guest["consumer_id"]
