#!/usr/bin/python3
"""Run a program of store tests on a PostgreSQL server of its own: on_postgres.py PROGRAM. 77: there is no PostgreSQL."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import postgres_server  # noqa: E402

if postgres_server.missing():
    print(postgres_server.missing())
    sys.exit(77)
server = postgres_server.PostgresServer({"fsync": "off", "full_page_writes": "off", "autovacuum": "off"})
try:
    done = subprocess.run(sys.argv[1:], env={**os.environ, "ORDERGATE_TEST_STORE": server.url("postgres")}, check=False)
finally:
    server.close()
sys.exit(done.returncode)
