"""Command line of the day. Exit codes: 0 a good day, 1 not, 2 usage."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

from day.director import play, prefix_of
from day.marketplace import MarketError
from day.plan import Options, make_plan, show
from day.report import build, screen

GRACE_S = 90.0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m day", description="Plays a day of orders in minutes.")
    parser.add_argument("--base-url", default="https://127.0.0.1:8443", help="the appliance")
    parser.add_argument("--kuper-url", help="the marketplace emulator")
    parser.add_argument("--assembly-token-file", type=Path)
    parser.add_argument("--ca-file", help="check the appliance's certificate; without it loopback is not checked")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--stores", type=int, default=5)
    parser.add_argument("--pickers", type=int, default=2, help="per store")
    parser.add_argument("--minutes", type=float, default=1.5)
    parser.add_argument("--grace", type=float, default=GRACE_S, metavar="SECONDS", help="wait this long for the last orders")
    parser.add_argument("--seen", type=float, default=0.0, metavar="SECONDS",
                        help="a change of an order has to be shown within this time; default by --minutes")
    parser.add_argument("--plain", action="store_true", help="orders without the oddities of real bodies")
    parser.add_argument("--strict", action="store_true", help="an unexplained rejection makes the day not good")
    parser.add_argument("--prefix", help="seven digits that the order ids begin with; default from the clock")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the whole report as JSON")
    parser.add_argument("--plan", action="store_true", help="print the plan as JSON and stop")
    return parser.parse_args()


def run(arguments: argparse.Namespace) -> int:
    options = Options(arguments.seed, arguments.orders, arguments.stores, arguments.minutes, arguments.pickers,
                      not arguments.plain, arguments.seen)
    if arguments.plan:
        print(json.dumps(show(make_plan(options)), ensure_ascii=False, indent=1))
        return 0
    if not arguments.kuper_url or arguments.assembly_token_file is None:
        raise ValueError("--kuper-url and --assembly-token-file are needed to play")
    token = arguments.assembly_token_file.read_text(encoding="utf-8").strip()
    started = time.monotonic()
    director, statistics = asyncio.run(play(options, arguments.kuper_url, arguments.base_url, token, arguments.ca_file,
                                            arguments.prefix or prefix_of(time.time()), arguments.grace))
    report = build(director, statistics, time.monotonic() - started, arguments.strict)
    if arguments.report is not None:
        arguments.report.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(screen(report))
    return 0 if report["ok"] else 1


def main() -> int:
    try:
        return run(parse_arguments())
    except MarketError as error:
        print(f"day: {error}", file=sys.stderr)
        return 1
    except (ValueError, OSError) as error:
        print(f"day: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
