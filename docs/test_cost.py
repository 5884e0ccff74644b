"""`python3 -m unittest discover -s docs`: what cost.md says is what cost.py computes, with the code's own settings."""

import re
import unittest
from dataclasses import replace
from pathlib import Path

import cost
from cost import MILLION, PRICES, Settings, Table

DOCS = Path(__file__).resolve().parent
REPOSITORY = DOCS.parent


def dollars(what, lines):
    """Of the lines of that name."""
    return sum(line.dollars for line in lines if line.what == what)


class TheDocument(unittest.TestCase):
    def test_has_every_table_as_it_is_computed(self):
        document = (DOCS / "cost.md").read_text()
        for name, table in cost.TABLES.items():
            self.assertIn(table(), document, f"`docs/cost.py --tables` prints another table {name!r}: put it in cost.md")

    def test_says_where_every_price_is_from(self):
        document = (DOCS / "cost.md").read_text()
        sources = document[document.index("### Where they are from") :]
        for name in PRICES:
            self.assertIn(f"`{name}`", sources, "a price without a source")


class TheSettings(unittest.TestCase):
    """Those that the calculator begins with are those of the template."""

    template = (REPOSITORY / "template.yaml").read_text()

    def default(self, parameter):
        found = re.search(rf"^  {parameter}:\n(?:    .*\n)*?    Default: (.*)$", self.template, re.MULTILINE)
        self.assertTrue(found, f"the template has no parameter {parameter}")
        return found[1].strip('"')

    def memory(self, function):
        found = re.search(rf"^  {function}:\n(?:    .*\n)*?      MemorySize: (\d+)$", self.template, re.MULTILINE)
        self.assertTrue(found, f"the template has no memory for {function}")
        return int(found[1])

    def test_parameters(self):
        usual = Settings()
        self.assertEqual(self.default("Architecture"), usual.architecture)
        self.assertEqual(int(self.default("BatchSize")), usual.batch_size)
        self.assertEqual(int(self.default("BatchWindowSeconds")), usual.window_seconds)
        self.assertEqual(int(self.default("BackupKeepDays")), usual.backups_kept)
        self.assertEqual(self.default("Compaction") == "on", usual.compaction)
        self.assertEqual(self.default("Export"), "full")
        self.assertEqual(self.default("BackupSchedule"), "cron(0 3 * * ? *)", "daily, as full_exports has it")
        self.assertEqual(self.default("ReconcileSchedule"), "rate(1 hour)", "hourly, as keep() has it")

    def test_memory(self):
        usual = Settings()
        self.assertEqual(self.memory("StreamFunction"), usual.stream_memory)
        self.assertEqual(self.memory("ImportFunction"), usual.import_memory)
        self.assertEqual(self.memory("SnapshotFunction"), usual.snapshot_memory)
        self.assertEqual(self.memory("BackupFunction"), usual.backup_memory)
        self.assertEqual(self.memory("CompactionFunction"), usual.compaction_memory)


class TheImportsOwnEstimate(unittest.TestCase):
    """The report of an import (functions/import/src/price.rs) multiplies the same prices."""

    code = (REPOSITORY / "functions/import/src/price.rs").read_text()

    def billionths(self, constant):
        found = re.search(rf"const {constant}: Dollars = Dollars::from_billionths\(([\d_]+)\)", self.code)
        self.assertTrue(found, f"price.rs has no {constant}")
        return int(found[1].replace("_", ""))

    def test_prices(self):
        self.assertAlmostEqual(self.billionths("WRITE_UNIT"), cost.price("dynamodb write") * 1e9)
        self.assertAlmostEqual(self.billionths("IMPORTED_GIGABYTE"), cost.price("dynamodb import") * 1e9)
        self.assertAlmostEqual(self.billionths("OBJECT_PUT"), cost.price("s3 put") * 1e9)

    def test_rate_and_units(self):
        self.assertIn(f"const NEW_TABLE_RATE: u64 = {cost.LOAD_RATE:_};", self.code)
        self.assertEqual([cost.write_units(size) for size in (1, 1024, 1025, 4096)], [1, 1, 2, 4])

    def test_a_million_items(self):
        """What its own test `prices_both_engines` has of these: $0.63 and $0.23."""
        loaded = cost.direct(MILLION, 1000, Settings())
        staged = cost.native(MILLION, 1500, Settings(), objects=1)
        self.assertEqual(cost.dollars(dollars("DynamoDB, write units", loaded)), "$0.63")
        said = dollars("DynamoDB, import", staged) + dollars("S3, objects staged", staged)
        self.assertEqual(cost.dollars(said), "$0.23")
        indexed = cost.direct(MILLION, 1000, Settings(), indexes=2)
        self.assertAlmostEqual(dollars("DynamoDB, write units", indexed), 3 * 0.625)


class TheFeed(unittest.TestCase):
    def check(self, table, settings, files):
        self.assertEqual(round(cost.files(table, settings)), files)

    def test_files(self):
        usual = Settings()
        # So sparse that each change is alone, and so dense that every batch is full.
        self.check(Table(changes=100), usual, 100)
        self.check(Table(changes=10_000 * MILLION), usual, 10_000_000)
        # Without a window each is written as it comes.
        self.check(Table(changes=MILLION), replace(usual, window_seconds=0), 1_000_000)
        # 6 MB end a batch, too: 3,333 changes of 1.8 KB.
        self.check(Table(changes=10_000 * MILLION), replace(usual, batch_size=10_000), 3_000_000)
        # One shard, always busy: hardly more than a file in each window of the month.
        self.check(Table(changes=100 * MILLION, shards=1), usual, 100_000)
        self.check(Table(changes=50 * MILLION, shards=1), usual, 87_447)

    def test_less_memory_computes_for_longer_and_waits_for_less(self):
        usual = Settings()
        for memory in (128, 512, 1769):
            seconds = cost.compute(usual, memory, 1) / cost.price("lambda arm64")
            self.assertAlmostEqual(seconds, 1769 / 1024, msg="computing costs the same")
        self.assertLess(cost.compute(usual, 512, 1, 1), cost.compute(usual, 1024, 1, 1))
        # More than a processor helps no one who has one thread.
        self.assertGreater(cost.compute(usual, 3538, 1), cost.compute(usual, 1769, 1))

    def test_what_is_switched_off_costs_nothing(self):
        table, usual = Table(), Settings()
        for off in ("compaction", "tracing"):
            less = cost.feed(table, replace(usual, **{off: False}))
            self.assertLess(cost.total(less), cost.total(cost.feed(table, usual)), off)
        for off in ("audit", "recovery"):
            less = cost.keep(table, replace(usual, **{off: False}))
            self.assertLess(cost.total(less), cost.total(cost.keep(table, usual)), off)


class Rounding(unittest.TestCase):
    def test_whole_kilobytes_of_others(self):
        """A change of 1.8 KB is 2 KB to Kinesis and 5 KB to Firehose."""
        table = Table(changes=2**20)
        self.assertAlmostEqual(dollars("Kinesis, in", cost.kinesis(table)), 2 * PRICES["kinesis in"][0])
        self.assertAlmostEqual(dollars("Firehose, in", cost.firehose(table)), 5 * PRICES["firehose"][0])

    def test_amounts(self):
        said = [cost.dollars(amount) for amount in (0, 0.000761, 0.0456, 0.456, 4.557, 1234.5)]
        self.assertEqual(said, ["$0", "$0.00076", "$0.046", "$0.46", "$4.56", "$1,234"])


if __name__ == "__main__":
    unittest.main()
