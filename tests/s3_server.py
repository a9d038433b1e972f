"""An S3 server on loopback: versitygw over a folder, where a bucket is a folder and an object a file."""

import functools
import secrets
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from pyarrow import fs

READY_WITHIN = 10.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class S3Server:
    """`env` is what a command needs to reach it. The credentials are random, so that a search for them finds leaks and
    nothing else."""

    program: str
    folder: Path
    port: int = field(default_factory=free_port)
    access_key: str = field(default_factory=lambda: "AKTEST" + secrets.token_hex(8).upper())
    secret_key: str = field(default_factory=lambda: secrets.token_hex(20))
    process: subprocess.Popen | None = None
    buckets: int = 0

    @property
    def root(self) -> Path:
        return self.folder / "buckets"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.endpoint,
        }

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """In a thread that lives on: with it the server ends."""
        self.root.mkdir(parents=True, exist_ok=True)
        keys = ["--access", self.access_key, "--secret", self.secret_key, "--region", "us-east-1"]
        command = [self.program, "--port", f"127.0.0.1:{self.port}", *keys, "--quiet", "posix", str(self.root)]
        with self.log.open("ab") as log:
            # setpriv: the server ends when the tests do, even if those are killed.
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdout=log, stderr=log)
        deadline = time.monotonic() + READY_WITHIN
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"versitygw does not start: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def kill(self) -> None:
        """Ends the server as a power cut would, with whatever requests are going on."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Starts it again at the same address, over the same objects."""
        self.kill()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=5)
        self.process = None

    @functools.cached_property
    def filesystem(self) -> fs.S3FileSystem:
        return fs.S3FileSystem(
            access_key=self.access_key,
            secret_key=self.secret_key,
            region="us-east-1",
            scheme="http",
            endpoint_override=f"127.0.0.1:{self.port}",
            allow_bucket_creation=True,
            allow_delayed_open=True,
        )

    def new_bucket(self) -> str:
        self.buckets += 1
        name = f"bucket-{self.buckets}"
        self.filesystem.create_dir(name)
        return name

    def put(self, path: str, content: bytes) -> None:
        """`path` is bucket and key."""
        with self.filesystem.open_output_stream(path) as stream:
            stream.write(content)

    def replace(self, path: str, folder: Path) -> None:
        """Makes the objects below a path what a folder holds."""
        filesystem = self.filesystem
        filesystem.delete_dir_contents(path, missing_dir_ok=True)
        fs.copy_files(str(folder), path, source_filesystem=fs.LocalFileSystem(), destination_filesystem=filesystem)

    def path_of(self, bucket: str, key: str = "") -> Path:
        """Where an object, or what begins with a key, lies on disk."""
        return self.root / bucket / key

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """Of every object, as the disk has them."""
        root = self.path_of(bucket)
        return sorted(str(p.relative_to(root)) for p in self.path_of(bucket, prefix).rglob("*") if p.is_file())
