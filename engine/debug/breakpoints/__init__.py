"""Where a run stops: lines, ops, modules, exceptions, and conditions on tensors."""
