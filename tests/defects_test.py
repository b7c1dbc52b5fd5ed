#!/usr/bin/python3
"""tests/defects.md says which case finds which seeded defect, and it is so; a table that lies is told."""
import unittest

import defects


class Table(unittest.TestCase):
    def setUp(self):
        self.text = (defects.ROOT / "tests/defects.md").read_text()

    def test_holds(self):
        self.assertEqual(defects.stale(self.text), "")

    def test_a_wrong_row_is_told(self):
        self.assertIn("other defects", defects.stale(self.text.replace("| accepts_wrong_mac |", "| accepts_any_mac |")))
        self.assertIn("accepts_wrong_mac: no_return finds R_MAC first",
                      defects.stale(self.text.replace("response with a wrong MAC |", "response late |")))


if __name__ == "__main__":
    unittest.main()
