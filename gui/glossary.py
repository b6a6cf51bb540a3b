"""The words of the window, each in a sentence or two, grouped as they are met."""

from __future__ import annotations

#: (group, word, meaning)
TERMS: tuple[tuple[str, str, str], ...] = (
    ("Training", "Epoch", "One pass over all training samples. Epochs are counted from 1."),
    ("Training", "Sample", "One input and its target. Samples are called by their index, which counts from 0: sample [0] is "
     "x[0]. Only what is in brackets counts from 0; epochs, batches and steps do not."),
    ("Training", "Batch", "The samples that are computed together in one step; batches of an epoch are counted from 1."),
    ("Training", "Step", "One update of all parameters by the optimizer, with the passes before it. Counted from 1. "
     "A script without an optimizer makes one with each backward pass."),
    ("Training", "Forward", "From the inputs to the outputs: each op computes its result from those before it."),
    ("Training", "Loss", "One number that says how wrong the outputs are; training makes it small."),
    ("Training", "Backward", "From the loss back to the parameters: the chain rule gives each number its gradient."),
    ("Training", "Update", "The optimizer changes each parameter by means of its gradient: w_new = w - learning rate · dw "
     "in the simplest case."),
    ("Values", "Tensor", "An array of numbers with a shape: 64 × 32 × 14 × 14 is 64 samples of 32 channels, 14 × 14 each."),
    ("Values", "Parameter", "A tensor that training changes: weights and biases."),
    ("Values", "Activation", "What an op has computed from this batch; y at an op, its inputs are x."),
    ("Values", "Gradient", "How much the loss changes with a number: dw is the derivative of the loss with respect to w."),
    ("Values", "Contributor", "A number that another one was computed from; its share is what it added."),
    ("Values", "Norm", "Length of a tensor as a vector: the root of the sum of its squares."),
    ("Values", "Update ratio", "Size of an update relative to its weights; about 0.001 is usual, 0.1 is violent."),
    ("Values", "Dead unit", "A unit whose output is 0 for every sample: no gradient reaches its weights any more."),
    ("Levels", "Op", "One operation of the engine: a convolution, a ReLU, a loss; forward, backward, or an update."),
    ("Levels", "Module", "A part of the model with a name, conv2 or hidden, that consists of ops and parameters."),
    ("Levels", "Element", "One number of a tensor; inside it a step is one multiply-add of its definition."),
    ("Levels", "Level", "What step over means: epoch, batch, line, module, op or element. Into is finer, out is coarser."),
    ("Time", "History", "The newest events with all their numbers; going back inside it is instant."),
    ("Time", "Replay", "Going back further: the script is run again to that place, and the numbers are compared."),
    ("Time", "Run", "One execution of the script. Runs stay side by side and can be compared."),
    ("Time", "Fork", "A second run that goes on from here with something changed: a weight, a label, the learning rate."),
    ("Stops", "Breakpoint", "Stops the script at a line, an op or a module, where its condition holds."),
    ("Stops", "Log point", "A breakpoint that writes a line of text instead of stopping."),
    ("Stops", "Watchpoint", "Stops at the op that did it: made the first NaN, let a gradient explode, crossed a value."),
)
