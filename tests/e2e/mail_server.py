"""Exim (package exim4-daemon-light) as an ordinary process: what it takes stays in its spool."""

from __future__ import annotations

import email
import email.policy
import os
import pwd
import shutil
import signal
import socket
import subprocess
from email.message import EmailMessage
from pathlib import Path

from appliance import free_port, wait_until

EXIM = "/usr/sbin/exim4"
USER, PASSWORD = "operator", "s3cret-of-mail"

# A file in switches/ turns a fault on.
CONFIGURATION = """
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
exim_user = {user}
exim_group = {group}
primary_hostname = mail.test
domainlist local_domains = test
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port} : {tls_port}
tls_on_connect_ports = {tls_port}
tls_advertise_hosts = ${{if exists{{{folder}/switches/no-tls}} {{}} {{*}}}}
tls_certificate = {folder}/certificate.pem
tls_privatekey = {folder}/key.pem
tls_dhparam = none
queue_only
keep_environment =
no_prod_requires_admin
rfc1413_query_timeout = 0s
acl_smtp_rcpt = rcpt
acl_smtp_data = data

begin acl
rcpt:
  deny    local_parts = refused
          message = 5.1.1 no such person
  defer   local_parts = grey
          condition = ${{if exists{{{folder}/switches/grey}}}}
          message = 4.7.1 greylisted, come back later
  accept  authenticated = *
  accept  condition = ${{if exists{{{folder}/switches/open}}}}
  deny    message = 5.7.0 who are you

data:
  warn    condition = ${{if exists{{{folder}/switches/slow}}}}
          delay = 30s
  defer   condition = ${{if exists{{{folder}/switches/full}}}}
          message = 4.3.1 no room
  accept

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_advertise_condition = ${{if def:tls_in_cipher}}
  server_condition = ${{if and{{{{eq{{$auth2}}{{{name}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
"""


class MailServer:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "mail"
        self.port, self.tls_port = free_port(), free_port()
        for name in ("spool", "log", "switches"):
            (self.folder / name).mkdir(parents=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost", "-keyout", self.folder / "key.pem",
                        "-out", self.certificate], check=True, capture_output=True)
        # Exim gives up root's rights.
        user = pwd.getpwnam("Debian-exim") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self.configuration = self.folder / "exim.conf"
        self.configuration.write_text(CONFIGURATION.format(
            folder=self.folder, port=self.port, tls_port=self.tls_port, user=user.pw_uid, group=user.pw_gid, name=USER,
            password=PASSWORD), encoding="utf-8")
        if os.geteuid() == 0:
            for path in [self.folder, *self.folder.rglob("*")]:
                os.chown(path, user.pw_uid, user.pw_gid)
            os.chown(self.configuration, 0, 0)
            # pytest's folders are its own; this one must be reached.
            for parent in list(self.folder.parents)[:4]:
                if parent.stat().st_uid == 0 and str(parent).startswith("/tmp/"):
                    parent.chmod(parent.stat().st_mode | 0o011)
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.pem"

    def start(self) -> None:
        with open(self.folder / "screen.txt", "ab") as screen:
            self.process = subprocess.Popen([EXIM, "-C", str(self.configuration), "-bdf"], stdin=subprocess.DEVNULL,
                                            stdout=screen, stderr=screen)
        wait_until(self.answers, 15, f"Exim answers: {(self.folder / 'screen.txt').read_text()}")

    def answers(self) -> bool:
        assert self.process is not None and self.process.poll() is None, (self.folder / "screen.txt").read_text()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                return connection.recv(3) == b"220"
        except OSError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(10)
            self.process = None

    def switch(self, name: str, on: bool = True) -> None:
        path = self.folder / "switches" / name
        path.touch() if on else path.unlink(missing_ok=True)

    def mails(self) -> list[EmailMessage]:
        """What it has taken, oldest first; X-Envelope-To says for whom."""
        found = []
        for path in sorted((self.folder / "spool" / "input").glob("*-H")):
            name = path.name.removesuffix("-H")
            done = subprocess.run([EXIM, "-C", str(self.configuration), "-Mvc", name], capture_output=True, check=True)
            found.append(email.message_from_bytes(done.stdout, policy=email.policy.default))
        return found

    def clear(self) -> None:
        shutil.rmtree(self.folder / "spool" / "input", ignore_errors=True)

    def log(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted((self.folder / "log").glob("*")))
