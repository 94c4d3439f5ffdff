"""`python -m benchmarks [web|system] [--quick] [--json]`."""

from __future__ import annotations

import argparse

from benchmarks import system, web
from benchmarks.result import as_json, as_table

GROUPS = {"web": web.run, "system": system.run}


def main() -> None:
    """Run the groups that are named, or all, and print what they found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", help=f"some of {', '.join(GROUPS)}; none means all")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.groups if name not in GROUPS]
    if unknown:
        parser.error(f"groups: got {', '.join(unknown)}; want some of {', '.join(GROUPS)}")
    results = [one for name in arguments.groups or GROUPS for one in GROUPS[name](quick=arguments.quick)]
    print(as_json(results) if arguments.json else as_table(results))


if __name__ == "__main__":
    main()
