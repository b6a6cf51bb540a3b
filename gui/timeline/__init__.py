"""The timeline: recorded events by number, and the strip that draws them."""
