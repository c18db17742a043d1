"""Command line of the emulator."""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal
import sys
from pathlib import Path

from kuper.app import App
from kuper.config import Config
from wire.server import Server


class UsageError(Exception):
    pass


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m kuper", description="Emulator of the marketplace Kuper.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--hook-url", default="", help="where webhooks go")
    parser.add_argument("--hook-token-file", type=Path, help="token sent with webhooks as Client-Token")
    parser.add_argument("--client-token-file", type=Path, help="client tokens we accept, one per line")
    parser.add_argument("--oauth-id-file", type=Path)
    parser.add_argument("--oauth-secret-file", type=Path)
    parser.add_argument("--token-ttl", type=int, default=300, metavar="SECONDS", help="life of an OAuth token")
    parser.add_argument("--settle-ms", type=int, default=2500, help="ready_for_delivery takes effect after this")
    parser.add_argument("--wrong-token", type=int, choices=(401, 404), default=401, help="answer to a wrong token")
    parser.add_argument("--unreliable-code", type=int, choices=(200, 422), default=422,
                        help="answer of rows 13, 14 and 17, whose code the real service gets wrong")
    parser.add_argument("--hook-timeout-ms", type=int, default=5000)
    parser.add_argument("--retry-ms", type=int, default=200, help="first pause before a webhook is repeated")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="append every journal entry as a line of JSON")
    parser.add_argument("--ca-file", help="certificate to check the hook's TLS with")
    parser.add_argument("--insecure", action="store_true", help="do not check the hook's certificate")
    return parser.parse_args()


def read_lines(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; create it or name another file") from error


def first_line(path: Path | None) -> str:
    lines = read_lines(path)
    if path is not None and not lines:
        raise UsageError(f"{path} is empty; put the secret into its first line")
    return lines[0] if lines else ""


def make_config(options: argparse.Namespace) -> Config:
    config = Config(
        hook_url=options.hook_url, hook_token=first_line(options.hook_token_file),
        client_tokens=read_lines(options.client_token_file), oauth_id=first_line(options.oauth_id_file),
        oauth_secret=first_line(options.oauth_secret_file), token_ttl_s=options.token_ttl,
        wrong_token_status=options.wrong_token, settle_ms=options.settle_ms, hook_timeout_ms=options.hook_timeout_ms,
        retry_ms=options.retry_ms, unreliable_code=options.unreliable_code)
    if not config.client_tokens and not (config.oauth_id and config.oauth_secret):
        raise UsageError("nobody could log in; give --client-token-file or both --oauth-id-file and --oauth-secret-file")
    return config


async def run(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = App(make_config(options), options.journal, options.ca_file, options.insecure)
    server = Server(app.handle)
    await server.start("127.0.0.1", options.port)
    print(f"kuper: listening on http://127.0.0.1:{server.port}", flush=True)
    await stop.wait()
    server.stop()
    app.journal.flush()


def main() -> int:
    # Orders and the journal stay for ever, so that full collections would only walk over them and stop us for a second.
    gc.set_threshold(50_000, 50, 1000)
    try:
        asyncio.run(run(parse_arguments()))
    except UsageError as error:
        print(f"kuper: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"kuper: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
