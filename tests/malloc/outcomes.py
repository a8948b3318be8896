# SPDX-License-Identifier: GPL-2.0-only
"""outcomes.py MODULE FILE: run a module's tests and write what became of each, a line each."""
import importlib
import sys
import unittest


class Outcomes(unittest.TestResult):
    def __init__(self, out):
        super().__init__()
        self.out = out

    def note(self, test, outcome):
        print(test.id(), outcome, file=self.out, flush=True)

    def addSuccess(self, test):
        self.note(test, "ok")

    def addError(self, test, err):
        self.note(test, "error " + err[0].__name__)

    def addFailure(self, test, err):
        self.note(test, "failure")

    def addSubTest(self, test, subtest, err):
        if err:
            self.note(subtest, "failure")

    def addSkip(self, test, reason):
        self.note(test, "skipped")

    def addExpectedFailure(self, test, err):
        self.note(test, "expected failure")

    def addUnexpectedSuccess(self, test):
        self.note(test, "unexpected success")


# A module that is not there is no test that failed in the same way twice.
importlib.import_module(sys.argv[1])
with open(sys.argv[2], "w") as out:
    suite = unittest.defaultTestLoader.loadTestsFromName(sys.argv[1])
    suite.run(Outcomes(out))
