"""Command line of the ERP."""

from __future__ import annotations

import argparse
import asyncio
import signal
import ssl
import sys

from erp.app import App
from wire.server import Server


async def run(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tls = None
    if options.certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.certificate, options.key)
    server = Server(App(options.token, options.secret).handle)
    await server.start("127.0.0.1", options.port, tls)
    print(f"erp: listening on http{'s' if tls else ''}://127.0.0.1:{server.port}", flush=True)
    await stop.wait()
    server.stop()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m erp", description="An ERP that documents and orders are pushed to.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--token", default="push-token-of-the-tests", help="the bearer token that is asked for")
    parser.add_argument("--secret", default="", help="what messages must be signed with; empty: they need not be")
    parser.add_argument("--certificate", help="PEM file: HTTPS"), parser.add_argument("--key", help="PEM file with its key")
    asyncio.run(run(parser.parse_args()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
