"""What is measured of an outcome; each file has metrics of one kind, and `catalog` names them all."""

# Before anything looks into the catalog, so that it is whole.
from evals.metrics import plugins as plugins
