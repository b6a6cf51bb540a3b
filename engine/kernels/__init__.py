"""Kernels: the loops that compute, for one device each. ``cpu`` and ``cuda`` hold the same names with the same parameters.

Conventions, everywhere in kernels, ops, definitions and tests:

========================  ============================================================================
``kernel(y, x, w, ...)``  outputs first; the caller allocates; outputs are overwritten; nothing is returned
``x w b`` → ``y``         operands and result; ``dy`` → ``dx dw db`` their gradients
N                         samples of a batch
C, O                      channels in, filters (channels out)
H W, OH OW                rows and columns of the input, of the output
KH KW                     rows and columns of a filter
I, O                      features in and out of a linear layer
(SH, SW) (PH, PW) (DH, DW)  stride, padding, dilation
========================  ============================================================================

Arrays are C-contiguous, NCHW and OIHW, float32 unless stated otherwise (every float kernel also compiles for
float64), class labels int64. Work that is divided among threads is cut by sizes, never by the thread count, and one
owner writes each element: results repeat bit by bit.
"""
