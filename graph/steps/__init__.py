"""The logic of each step, in a file named as the graph names the step."""
