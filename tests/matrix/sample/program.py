"""A program: `python -m sample.program`."""

import json
import sys


def work(x):
    return x + 1


class Job:
    def run(self, x):
        return work(x) * 2


def main():
    json.dump({"work": work(1), "job": Job().run(1), "module": work.__module__}, sys.stdout)


if __name__ == "__main__":
    main()
