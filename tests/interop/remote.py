"""The server's side of a collection, seen past the client that is tried."""

from http_client import Client
from live_gateway import AppPassword, Gateway


class Remote:
    """Read, write and remove one object of a calendar or an address book with a password of its own."""

    def __init__(self, gateway: Gateway, password: AppPassword, path: str, agent: str = "curl/8.5.0") -> None:
        self.client = Client(gateway, password, agent)
        self.path = path

    def get(self, name: str) -> str | None:
        reply = self.client.request("GET", self.path + name)
        assert reply.status in (200, 404)
        return reply.body.decode() if reply.status == 200 else None

    def put(self, name: str, text: str) -> None:
        assert self.client.request("PUT", self.path + name, text).status in (201, 204)

    def remove(self, name: str) -> None:
        assert self.client.request("DELETE", self.path + name).status in (200, 204)

    def names(self) -> set[str]:
        members = self.client.request("PROPFIND", self.path, headers={"Depth": "1"}).members
        return {href.rpartition("/")[2] for href in members} - {""}

    def close(self) -> None:
        self.client.connection.close()
