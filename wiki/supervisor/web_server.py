"""The web server as a child of `up`: granian, its port, and whether it is ours that answers."""

import errno
import http.client
import importlib.util
import socket
import sys

import psutil

from wiki.supervisor.child_process import CannotStart, Service

PROBE_TIMEOUT_S = 2.0
# What a server bound to every address is reached by from here.
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class AddressUnusable(CannotStart):
    """The site cannot be served at the address it was given; the text says why."""


def web_service(host: str, port: int) -> Service:
    """Describe granian serving the site at host and port.

    One process with threads (wiki.rsgi): they share a connection each and what is cached, and
    the workers, not the site, do the heavy computing. Its limit on open connections (called
    backpressure) stays at the default of 1,024: idle keep-alive connections count too,
    so one near the number of threads would lock readers out. No access log: addresses of
    sign-in links would stand in it.
    """
    options = {
        "--interface": "rsgi",
        "--host": address_of(host, port),
        "--port": str(port),
        "--workers": "1",
        "--workers-kill-timeout": "10",
    }
    words = [word for pair in options.items() for word in pair]
    argv = [sys.executable, "-m", "granian", *words, "--no-ws", "--no-access-log"]

    def command() -> list[str]:
        require_free(host, port)
        return [*argv, "wiki.rsgi:application"]

    def ready(group: int) -> bool:
        return answers(address_of(host, port), port) and listens(group, port)

    # In-flight requests may take as long as granian gives its worker, and a little more.
    return Service("web", command, ready, grace_s=15.0)


def require_granian() -> None:
    """Raise CannotStart if the server is not installed."""
    if importlib.util.find_spec("granian") is None:
        raise CannotStart(
            "The web server granian is not installed here: run `make run`, "
            "which installs what is missing."
        )


def address_of(host: str, port: int) -> str:
    """Return the numeric address of host; raises AddressUnusable if it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise AddressUnusable(
            f"WIKI_HOST is {host!r}, which is no address of this machine ({error.strerror}): "
            "unset it, or set it to an address such as 127.0.0.1."
        ) from error
    return str(found[0][4][0])


def require_free(host: str, port: int) -> None:
    """Raise AddressUnusable unless a server could listen there now."""
    address = address_of(host, port)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # A port whose last connections are only fading out is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except PermissionError as error:
            raise AddressUnusable(
                f"Port {port} is reserved for the system: choose one above 1023 with WIKI_PORT, "
                "and let a proxy pass it on."
            ) from error
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise AddressUnusable(
                    f"Port {port} is taken by {port_holder(port)}: stop that, or choose another "
                    f"port, such as WIKI_PORT={port + 1 if port < 65535 else 8000}."
                ) from error
            raise AddressUnusable(
                f"Nothing can listen at {address}, port {port} ({error.strerror}): "
                "choose others with WIKI_HOST and WIKI_PORT."
            ) from error


def port_holder(port: int) -> str:
    """Name the process that listens on a port; "another program" if it cannot be seen."""
    try:
        for connection in psutil.net_connections("tcp"):
            is_it = connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            if is_it and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass  # only the administrator may see other people's processes
    return "another program"


def answers(address: str, port: int) -> bool:
    """Tell whether /healthz answers 200 there."""
    address = WILDCARDS.get(address, address)
    connection = http.client.HTTPConnection(address, port, timeout=PROBE_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def listens(group: int, port: int) -> bool:
    """Tell whether the process that leads `group`, or a descendant, listens on port."""
    try:
        leader = psutil.Process(group)
        return any(
            connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            for process in (leader, *leader.children(recursive=True))
            for connection in process.net_connections("inet")
        )
    except psutil.Error:
        return False
