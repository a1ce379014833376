"""Suites: one pass over a benchmark, all detectors, rows of results.

Who calls whom, from a whole run down to one image:

1. `campaign` runs a `suite`: checks the sets, trains or takes a segmenter per seed, and runs an `evaluation` for each
   set under each segmenter; in the end it writes what they say together (`summary`, `bootstrap`).
2. `evaluation` is one set under one segmenter. It names its `cells` (what is counted of which detector, under a hash of
   all that this depends on) and asks the `CellStore` which of them are missing.
3. For those, `fitting` makes ready detectors and `scoring` runs each image once through the segmenter and scores it by
   every detector that lacks it; every few seconds the counts go to `shards`, from which a broken run continues.
4. When all images are counted, shards are added up to finished cells, and `aggregation` reads rows (`row`), `curves`
   and records off the cells.

`workplace` says where unfinished work lies and locks the run's folder; `finished` tells whether a run is done already.
"""
