#!/usr/bin/python3
"""tests/defects.md says which case finds what of terminal, host and rig, and it is so; a table that lies is told."""
import unittest

import defects


class Table(unittest.TestCase):
    def setUp(self):
        self.text = (defects.ROOT / "tests/defects.md").read_text()

    def stale_with(self, was, now):
        self.assertIn(was, self.text)
        return defects.stale(self.text.replace(was, now))

    def test_holds(self):
        self.assertEqual(defects.stale(self.text), "")

    def test_a_wrong_row_is_told(self):
        self.assertIn("other defects", self.stale_with("| accepts_wrong_mac |", "| accepts_any_mac |"))
        self.assertIn("accepts_wrong_mac: no_return finds R_MAC first",
                      self.stale_with("response with a wrong MAC |", "response late |"))

    def test_a_wrong_row_of_host_or_rig_is_told(self):
        self.assertIn("other defects", self.stale_with("| books_twice |", "| books_thrice |"))
        self.assertIn("books_twice: the program says", self.stale_with("| books_twice | H_ONCE", "| books_twice | I1"))
        self.assertIn("other faults", self.stale_with("| robot alarm |", "| robot asleep |"))
        self.assertIn("commit_silent: points names host_down",
                      self.stale_with("| commit_silent | host_down", "| commit_silent | network"))


if __name__ == "__main__":
    unittest.main()
