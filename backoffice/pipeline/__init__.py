"""The board of the pipeline: leads as cards in a column for each status, and moves between the columns."""
