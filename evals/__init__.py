"""Does a release answer well enough to be promoted? Dataset, Run, Scores, Verdict: each step a file that is kept."""
