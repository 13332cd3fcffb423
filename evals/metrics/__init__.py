"""What is measured of an outcome; each file has metrics of one kind, and `catalog` names them all."""
