"""From a question to the passages that may answer it: fused, reranked, and cut to what an answer may use."""
