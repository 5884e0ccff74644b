"""Serves microburst on a loopback port that the system chooses; run with the Python of `target/local/env-soak`.

    python local/soak/serve_microburst.py ENDPOINT_FILE UPSTREAM

Its own command line wants a port that is known before, which another program could take. And it gives requests another
`Host`, no `Content-Length` and their path in another spelling, which is all part of what is signed, and the emulator looks
at signatures.
"""

import socket
import sys
from pathlib import Path

from aiohttp import ClientSession, web
from microburst.app import make_app
from microburst.core.pipeline import Microburst
from microburst.forward import Upstream
from yarl import URL


def keeping_what_is_signed(outbound_headers):
    def headers(upstream, request):
        kept = {name: request.headers[name] for name in ("host", "content-length") if name in request.headers}
        return outbound_headers(upstream, request) | kept

    return headers


def main(endpoint_file: str, upstream: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    written = Path(endpoint_file).with_suffix(".new")
    written.write_text(f"http://127.0.0.1:{listener.getsockname()[1]}")
    written.rename(endpoint_file)
    ClientSession._build_url = lambda session, url: URL(url, encoded=True)
    Upstream._outbound_headers = keeping_what_is_signed(Upstream._outbound_headers)
    web.run_app(make_app(Microburst(upstream, resign=False)), sock=listener, print=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
