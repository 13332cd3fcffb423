"""A real PostgreSQL of this machine's packages, on a free port, for as long as the tests that need it."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path

PLACES = "/usr/lib/postgresql/*/bin"


def programs() -> Path | None:
    """The folder with initdb and pg_ctl, if PostgreSQL is installed."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).parent] if on_path else [Path(place) for place in sorted(glob(PLACES))]
    return found[-1] if found else None


@contextmanager
def postgres(folder: Path, where: Path) -> Iterator[str]:
    """A server with its data in `folder`; gives its address. It does not run as root, so it gets a user of its own."""
    user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:
        shutil.chown(folder, user)
    port = _free_port()
    run = {"user": user, "check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    data = folder / "data"
    subprocess.run([where / "initdb", "-D", data, "-U", "warrant", "--auth=trust", "--no-sync"], **run)  # type: ignore[call-overload]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    log = folder / "log"
    subprocess.run([where / "pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start"], **run)  # type: ignore[call-overload]
    try:
        yield f"postgresql://warrant@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([where / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **run)  # type: ignore[call-overload]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
