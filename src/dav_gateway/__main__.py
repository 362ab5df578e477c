"""`python -m dav_gateway`: the command line."""

from dav_gateway.cli import main

if __name__ == "__main__":
    main()
