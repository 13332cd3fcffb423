"""warrant eval: the steps of an evaluation, each by itself."""
