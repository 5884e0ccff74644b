"""`make bench`: Headwater beside its peers, on one machine, in one run. README.md tells how."""
