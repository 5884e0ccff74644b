"""Serves the emulator of AWS, with its corrections, on a loopback port that nobody else can take.

Run by `local/aws up` with the Python of `target/local/env-emulator`:

    python local/emulator.py ENDPOINT_FILE [--uncorrected] [--functions-endpoint URL]

The port is bound before ministack is imported, because ministack fixes its addresses at import and
because a port that is first looked for and then bound can be taken in between. Once everything is
in place the address is written to ENDPOINT_FILE.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from pathlib import Path

LOOPBACK = "127.0.0.1"


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the local AWS until SIGTERM.")
    parser.add_argument("endpoint_file", type=Path, help="gets the address once the emulator can be reached")
    parser.add_argument(
        "--uncorrected", action="store_true", help="plain ministack, to see what the corrections change"
    )
    parser.add_argument(
        "--functions-endpoint", help="where the functions find AWS: a proxy before the emulator (default: the emulator)"
    )
    arguments = parser.parse_args()

    # Die by SIGTERM with all that `finally` and `atexit` do, also while still importing.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listener = socket.create_server((LOOPBACK, 0), backlog=1024)
    endpoint = announce_to_ministack(listener, arguments.functions_endpoint)
    if not arguments.uncorrected:
        import corrections

        corrections.apply()
    asyncio.run(serve(listener, endpoint, arguments.endpoint_file))


def announce_to_ministack(listener: socket.socket, functions_endpoint: str | None) -> str:
    """Tells ministack where it is, and what it gives to every function as `AWS_ENDPOINT_URL`."""
    port = listener.getsockname()[1]
    endpoint = f"http://{LOOPBACK}:{port}"
    os.environ.update(GATEWAY_PORT=str(port), BIND_HOST=LOOPBACK, MINISTACK_HOST=LOOPBACK)
    os.environ["AWS_ENDPOINT_URL"] = functions_endpoint or endpoint
    return endpoint


async def serve(listener: socket.socket, endpoint: str, endpoint_file: Path) -> None:
    """What `ministack.app.main` does, on a socket that is already bound."""
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config
    from ministack.app import app

    logging.getLogger("hypercorn.access").setLevel(logging.WARNING)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    written = endpoint_file.with_suffix(".new")
    written.write_text(endpoint)
    written.rename(endpoint_file)
    await hypercorn_serve(app, config, shutdown_trigger=stop.wait)


if __name__ == "__main__":
    main()
