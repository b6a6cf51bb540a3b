"""Widgets that draw numbers: heat maps, grids of images, histograms, curves. They know no panel and no engine."""
