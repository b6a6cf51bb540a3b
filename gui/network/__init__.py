"""The network as a picture: what each op is drawn as, where it stands, and which event holds its numbers."""
