"""Sessions as files: saved with their history, reopened where they stood. ``NAME.nablascope`` is a ZIP archive.

What belongs in it, and why:

- the script's text, its path, arguments and parameters, and how it was run: a run is never a memory image, it is its script
  run again, so these are the session;
- of each run its tape (:mod:`engine.debug.replay.recording`) with the edits that it has had: it makes the replay exact and
  says to the bit whether it was; some of its checkpoints, so that the replay need not compute every step; and the files
  that the run wrote with ``save``, because it may read them again;
- what the user has set: breakpoints, watchpoints, watches, the level, the selection, the choices of the panels;
- what was on the screen: curves, events, graph, findings, and the newest answer that each panel had, arrays included, so
  that the window shows something true from the first moment on, and also where no replay is wanted or possible;
- hashes of parameters and random streams, losses, versions and threads: with these the end of the replay is compared.

Not in it: parameters and activations as such (the replay computes them), the layout of the window (it is the user's and
the screen's, and stays in the settings), data sets (the script reads them again).

Members are JSON, NumPy's .npy without objects, the tape's own plain formats, and the script's text; anything else is
refused, pickle above all. ``manifest.json`` has the SHA-256 of every other member, ``signature`` a keyed hash of the
manifest: a file that this user has saved on this machine is known by it. A session of somebody else's holds code, and
nothing of it runs before the user has agreed. A stop, a number, a text out of a file is only ever shown.
"""
