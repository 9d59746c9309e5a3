"""Compares the verdicts of an Autobahn run with the golden table, case by case.

usage: compare.py INDEX.JSON GOLDEN.TXT [--fast | --write]

--fast: the table without the cases of 12 and 13. --write: makes the golden table from the run, with today's date.
Prints what differs, then the number of cases of each verdict; exit code 1 when something differs.
"""

import collections
import datetime
import json
import sys


def key(case):
    return [int(part) for part in case.split(".")]


def ran(path):
    with open(path, encoding="utf-8") as file:
        (agent,) = json.load(file).values()
    return {case: (row["behavior"], row["behaviorClose"]) for case, row in agent.items()}


def golden(path, fast):
    table = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                case, *verdicts = line.split()
                if not (fast and key(case)[0] in (12, 13)):
                    table[case] = tuple(verdicts)
    return table


def write(path, table):
    with open(path, "w", encoding="utf-8") as file:
        file.write("# The verdicts of the Autobahn TestSuite 25.10.1 (behavior, behaviorClose) on the Wasm echo plugin.\n")
        file.write(f"# Date of the run: {datetime.date.today()}. Made by compare.py --write.\n")
        for case in sorted(table, key=key):
            file.write(" ".join((case, *table[case])) + "\n")


def main():
    index, expected, *options = sys.argv[1:]
    found = ran(index)
    if "--write" in options:
        write(expected, found)
    wanted = golden(expected, "--fast" in options)
    differs = [case for case in found.keys() | wanted.keys() if found.get(case) != wanted.get(case)]
    for case in sorted(differs, key=key):
        print(f"{case}: expected {wanted.get(case, 'no such case')}, found {found.get(case, 'not run')}")
    for verdicts, count in collections.Counter(found.values()).most_common():
        print(f"autobahn: {count} cases {verdicts[0]} (close: {verdicts[1]})")
    print(f"autobahn: {len(found)} cases run, {len(differs)} differ from the golden table")
    sys.exit(1 if differs or not found else 0)


main()
