"""`python -m vermilion` is `vermilion`."""

from vermilion.cli import main

if __name__ == "__main__":
    main()
