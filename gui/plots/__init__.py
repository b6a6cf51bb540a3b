"""Curves over steps: numbers, axes, painting and the widget that draws several plots over one axis."""
