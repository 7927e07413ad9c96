"""The command `synthcpt`, also as `python -m synthcpt`."""

from __future__ import annotations


def main() -> None:
    """Run the command line; a user's mistake is one sentence on stderr and exit code 2."""
    from synthcpt.cli.app import app
    from synthcpt.cli.errors import explain

    with explain():
        app()


if __name__ == "__main__":
    main()
