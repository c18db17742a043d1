"""A PostgreSQL of Debian's packages for a test or a benchmark: in a temporary folder, on a UNIX socket, stopped by its own process id.

PostgreSQL refuses to run as root; then it runs as nobody.
"""
import atexit
import functools
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid

BIN = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1:]


def missing():
    """What is to be said when there is none, else None."""
    return None if BIN else "PostgreSQL's programs are not installed (Debian: postgresql)"


class PostgresDatabase:
    def __init__(self, server, name):
        self.server, self.name = server, name

    def url(self):
        return self.server.url(self.name)

    def store(self):
        return PostgresStore(self)


class PostgresStore:
    """As much of a sqlite3.Connection as tests use to look: execute(sql with ?, values).fetchall()."""

    def __init__(self, database):
        self.database = database
        self.found = []

    def execute(self, sql, values=()):
        parts = sql.split("?")
        text = parts[0] + "".join(self.literal(value) + part for value, part in zip(values, parts[1:], strict=True))
        lines = self.database.server.psql(self.database.name, f"SELECT row_to_json(q) FROM ({text}) q").splitlines()
        self.found = [tuple(value for _, value in json.loads(line, object_pairs_hook=list)) for line in lines]
        return self

    @staticmethod
    def literal(value):
        return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"

    def fetchall(self):
        return self.found

    def close(self):
        pass


class PostgresServer:
    def __init__(self, settings=None, database="ordergate"):
        if missing():
            raise RuntimeError(missing())
        self.user = "nobody" if os.geteuid() == 0 else None
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ordergate-pg-"))
        self.data = self.dir / "data"
        if self.user:
            os.chown(self.dir, pwd.getpwnam(self.user).pw_uid, -1)
        self.dir.chmod(0o711)
        self.process = None
        atexit.register(self.close)
        self.run("initdb", "-D", self.data, "-U", "ordergate", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        with open(self.data / "postgresql.conf", "a", encoding="ascii") as conf:
            conf.write(f"listen_addresses = ''\nunix_socket_directories = '{self.dir}'\nlogging_collector = off\n")
            for name, value in (settings or {}).items():
                conf.write(f"{name} = '{value}'\n")
        self.start()
        if database:
            self.database(database)

    def run(self, program, *words):
        done = subprocess.run([BIN[0] / program, *map(str, words)], user=self.user, cwd=self.dir,
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stderr.strip()}")
        return done.stdout

    def url(self, database="ordergate"):
        return f"postgresql://ordergate@/{database}?host={self.dir}"

    def psql(self, database, sql):
        return self.run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.dir, "-U", "ordergate",
                        "-d", database, "-c", sql).strip()

    def rows(self, sql, database="ordergate"):
        return [line.split("|") for line in self.psql(database, sql).splitlines()]

    def database(self, name):
        """An empty one of that name."""
        self.psql("postgres", f'CREATE DATABASE "{name}"')
        return PostgresDatabase(self, name)

    def start(self):
        with open(self.dir / "log", "ab") as log:
            self.process = subprocess.Popen([BIN[0] / "postgres", "-D", self.data], user=self.user, cwd=self.dir,
                                            stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while subprocess.run([BIN[0] / "pg_isready", "-q", "-h", self.dir], check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start: {(self.dir / 'log').read_text(errors='replace')}")
            time.sleep(0.05)

    def children(self):
        path = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def stop(self, how=signal.SIGINT):
        """SIGINT: at once, orderly. SIGQUIT: as after a crash. SIGKILL: only the postmaster; its children notice."""
        if self.process:
            self.process.send_signal(how)
            self.process.wait(timeout=60)
            self.process = None

    def close(self):
        atexit.unregister(self.close)
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.dir, ignore_errors=True)


@functools.cache
def the_server():
    return PostgresServer({"fsync": "off"})


def new_database():
    """ORDERGATE_TEST_STORE=postgresql: every appliance of a run has a database of one server. Else None: it has a file."""
    if os.environ.get("ORDERGATE_TEST_STORE") != "postgresql":
        return None
    return the_server().database(uuid.uuid4().hex)
