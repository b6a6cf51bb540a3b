"""The samples of a batch and how they were judged: their columns, and the widgets that draw them."""
