"""Converts the Fraud-Detection-Handbook's simulated data to one CSV that `handbook.rs` reads.

The data are daily pickles of pandas frames in the public repository
github.com/Fraud-Detection-Handbook/simulated-data-raw (folder `data`). They are not kept here.

    python -m venv venv && venv/bin/pip install pandas
    venv/bin/python fraud/examples/handbook_csv.py simulated-data-raw/data DIR
    cargo run --release -p fraud --example handbook -- DIR

Columns: seconds since 2018-04-01, customer, terminal, amount in cents, fraud (0/1), scenario (0-3).
"""

import pathlib
import sys

import pandas


def main(source: str, target: str) -> None:
    days = [pandas.read_pickle(path) for path in sorted(pathlib.Path(source).glob("*.pkl"))]
    frame = pandas.concat(days).sort_values(["TX_DATETIME", "TRANSACTION_ID"])
    table = pandas.DataFrame(
        {
            "second": frame.TX_TIME_SECONDS.astype("int64"),
            "customer": frame.CUSTOMER_ID.astype("int64"),
            "terminal": frame.TERMINAL_ID.astype("int64"),
            "cents": (frame.TX_AMOUNT * 100).round().astype("int64"),
            "fraud": frame.TX_FRAUD,
            "scenario": frame.TX_FRAUD_SCENARIO,
        }
    )
    path = pathlib.Path(target) / "transactions.csv"
    table.to_csv(path, index=False)
    print(f"{len(table)} transactions, {table.fraud.sum()} frauds, written to {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
