"""A PostgreSQL of Debian's packages for a test or a benchmark: in a temporary folder, on a UNIX socket, stopped by its own process id.

PostgreSQL refuses to run as root; then it runs as nobody.
"""
import atexit
import functools
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


class PostgresServer:
    def __init__(self, settings=None, database="ordergate", copy_of=None, port=5432):
        """Empty, or a standby of another one. Its socket is named by its port; TCP is a matter of settings."""
        if missing():
            raise RuntimeError(missing())
        self.user = "nobody" if os.geteuid() == 0 else None
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ordergate-pg-"))
        self.data = self.dir / "data"
        if self.user:
            os.chown(self.dir, pwd.getpwnam(self.user).pw_uid, -1)
        self.dir.chmod(0o711)
        self.process = None
        self.port = port
        atexit.register(self.close)
        if copy_of:
            self.run("pg_basebackup", "-D", self.data, "-h", copy_of.dir, "-p", copy_of.port, "-U", "ordergate", "-c", "fast", "-R",
                     "--no-sync")
        else:
            self.run("initdb", "-D", self.data, "-U", "ordergate", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.set({"listen_addresses": "", "logging_collector": "off", **(settings or {}),
                  "unix_socket_directories": self.dir, "port": port})
        self.start()
        if database and not copy_of:
            self.database(database)

    def set(self, settings):
        """The last one of a name counts; takes effect with a start, or a reload."""
        with open(self.data / "postgresql.conf", "a", encoding="ascii") as conf:
            for name, value in settings.items():
                conf.write(f"{name} = '{value}'\n")

    def reload(self):
        self.psql("postgres", "SELECT pg_reload_conf()")

    def run(self, program, *words):
        done = subprocess.run([BIN[0] / program, *map(str, words)], user=self.user, cwd=self.dir,
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stderr.strip()}")
        return done.stdout

    def url(self, database="ordergate"):
        return f"postgresql://ordergate@/{database}?host={self.dir}&port={self.port}"

    def psql(self, database, sql):
        return self.run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.dir, "-p", self.port, "-U", "ordergate",
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
        while subprocess.run([BIN[0] / "pg_isready", "-q", "-h", self.dir, "-p", str(self.port)], check=False).returncode != 0:
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

    def kill(self):
        """As when the machine is gone: all of it at one moment."""
        for pid in [self.process.pid, *self.children()]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(timeout=60)
        self.process = None

    def close(self):
        atexit.unregister(self.close)
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.dir, ignore_errors=True)


@functools.cache
def the_server():
    return PostgresServer({"fsync": "off", "max_connections": "300"})


def on_server():
    """ORDERGATE_TEST_STORE=postgresql: every store of a run is a database of one server. Else each is a file."""
    return os.environ.get("ORDERGATE_TEST_STORE") == "postgresql"


def new_database():
    """None: it is a file."""
    if not on_server():
        return None
    return the_server().database(uuid.uuid4().hex)
