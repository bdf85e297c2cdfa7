"""Writes the rolls of this folder with pyarrow, so that what sanfang reads was written by others.

    pip install pyarrow && python3 testdata/rolls/make.py
"""

import csv
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

here = pathlib.Path(__file__).parent
rows = list(csv.DictReader(open(here / "some.csv", encoding="utf-8")))
names = list(rows[0])


def texts(name):
    return pa.array([row[name] or None for row in rows], pa.string())


def digits(text):
    return int(text[1:]) if text else None


def degrees(text):
    return float(text) if text else None


as_text = pa.table({name: texts(name) for name in names})
as_numbers = as_text.set_column(names.index("lon"), "lon", pa.array([degrees(r["lon"]) for r in rows], pa.float64()))
as_numbers = as_numbers.set_column(names.index("lat"), "lat", pa.array([degrees(r["lat"]) for r in rows], pa.float64()))
as_numbers = as_numbers.set_column(names.index("phone"), "phone", pa.array([digits(r["phone"]) for r in rows], pa.int64()))

pq.write_table(as_text, here / "texts.parquet", compression="snappy", row_group_size=3)
pq.write_table(as_numbers, here / "numbers.parquet", compression="none", use_dictionary=False)
pq.write_table(as_numbers.append_column("more", texts("id")), here / "zstd.parquet", compression="zstd", data_page_version="2.0")
pq.write_table(as_text.drop_columns(["audience"]), here / "lacking.parquet")
lists = pa.array([[row["audience"]] for row in rows], pa.list_(pa.string()))
pq.write_table(as_text.set_column(names.index("audience"), "audience", lists), here / "nested.parquet")
whole = pa.array([113 for _ in rows], pa.int64())
pq.write_table(as_text.set_column(names.index("lon"), "lon", whole), here / "types.parquet")
