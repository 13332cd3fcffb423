"""From a Verdict and the runs that it is about to what people and machines read of it."""
