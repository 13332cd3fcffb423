"""The logic of the graph's steps, one file for each and for what two of them share; pure but for the searches."""
