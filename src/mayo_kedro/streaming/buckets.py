"""Listings of the buckets that are connected to a repository."""

from collections.abc import Iterator

from mayo_kedro.streaming.addresses import STORAGE, Addresses, in_storage
from mayo_kedro.streaming.entries import Entry, read_entry
from mayo_kedro.streaming.transport import Request, Transport


class Buckets:
    """The buckets of one repository; they have no commits, so nothing of them is kept.

    Args:
        transport: the way to the service.
        addresses: of the repository.
        full_name: "owner/name".
    """

    def __init__(self, transport: Transport, addresses: Addresses, full_name: str) -> None:
        self._transport = transport
        self._addresses = addresses
        self._full_name = full_name

    def list_folder(self, path: str) -> list[Entry]:
        """What lies in a folder at or below `.dagshub/storage`.

        Raises:
            RemoteFileNotFoundError: there is no such folder.
        """
        parts = in_storage(f"{path}/").strip("/").split("/")
        if path == STORAGE or len(parts) < 2:
            return list(self._list_connected(path))
        return list(self._list_pages(path))

    def _list_connected(self, path: str) -> Iterator[Entry]:
        """`.dagshub/storage` holds protocols, and each of these buckets."""
        request = Request(self._addresses.storage, f"The list of buckets of {self._full_name}")
        names = (f"{STORAGE}/{row['protocol']}/{row['name']}" for row in self._transport.read_json(request))
        children = {
            f"{path}/{name[len(path) + 1 :].partition('/')[0]}"
            for name in names
            if name.startswith(f"{path}/")
        }
        return (Entry(name, True, 0, "", "bucket") for name in sorted(children))

    def _list_pages(self, path: str) -> Iterator[Entry]:
        query = {"paging": "true", "include_size": "true"}
        while True:
            url = self._addresses.storage_content(path)
            page = self._transport.read_json(Request(url, f"{path!r} of {self._full_name}", query))
            for row in page["entries"] or []:
                entry = read_entry(row)
                name = entry.path.rpartition("/")[2]
                yield entry._replace(path=f"{path}/{name}", versioning="bucket")
            if not page.get("next_token"):
                return
            query = {**query, "from_token": page["next_token"]}
