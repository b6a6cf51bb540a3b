"""What the window asks for at a stop: tensors made small, samples, planes of inputs, variables, the network's graph.

Everything here answers within a bounded size and changes nothing that the run would notice. Results are dicts that
JSON can hold, but for their arrays, which are NumPy's.
"""
