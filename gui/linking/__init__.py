"""The rooms of :class:`gui.link.Link`: what it shares, what arrives, how it begins, how it moves."""
