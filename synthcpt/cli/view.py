"""`synthcpt view`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def view(
    folder: Annotated[
        Path,
        typer.Argument(help="A run's folder, or one that holds runs."),
    ] = Path("outputs"),
    port: Annotated[int, typer.Option(help="Where to listen; 0 for any free port.", min=0, max=65535)] = 8765,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Show runs in the browser, on this machine only, and follow those that are under way.

    Ctrl-C ends it. From another machine: ssh -L 8765:localhost:8765 HOST.
    """
    from rich.console import Console

    from synthcpt.reporting.serve import make_server

    with make_server(folder, port) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        said = f"{folder} is at {address} (Ctrl-C to end)."
        Console().print(said, markup=False, highlight=False, soft_wrap=True)
        if open_:
            import webbrowser

            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            Console().print("")
