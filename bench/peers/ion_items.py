"""Ion to items by amazon.ion, in C and in the faster of its two ways: bare Python values wherever nothing is lost.

usage: ion_items.py IN
"""

import sys

from amazon.ion import simpleion


def main(source: str) -> None:
    if not simpleion.c_ext:
        sys.exit("amazon.ion has been installed without its C extension, which it is to be measured with")
    count = attributes = 0
    with open(source, "rb") as file:
        values = simpleion.load(
            file, single_value=False, parse_eagerly=False, value_model=simpleion.IonPyValueModel.MAY_BE_BARE
        )
        for item in values:
            count += 1
            attributes += len(item)
    print(f"{count} items of {attributes} attributes")


main(*sys.argv[1:])
