"""A name server of this machine, for what asks one."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address

_ANSWER, _A, _IN, _NAME = 0x8180, 1, 1, 0xC00C  # RFC 1035, 4.1; the last points at the question


@contextmanager
def naming(addresses: Sequence[str]) -> Iterator[str]:
    """Yield the address of a name server for which every name has some IPv4 addresses.

    Parameters
    ----------
    addresses
        Looked at anew with every question.
    """

    class Answers(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            asked, back = self.request
            ends = asked.index(0, 12) + 5
            [kind] = struct.unpack("!H", asked[ends - 4 : ends - 2])
            found = list(addresses) if kind == _A else []
            head = asked[:2] + struct.pack("!5H", _ANSWER, 1, len(found), 0, 0)
            rows = [
                struct.pack("!3HIH", _NAME, _A, _IN, 0, 4) + IPv4Address(one).packed
                for one in found
            ]
            back.sendto(head + asked[12:ends] + b"".join(rows), self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
