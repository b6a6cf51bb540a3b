"""Training scripts: percent cells, their parameters, ``import torch`` that means the engine, and running them."""
