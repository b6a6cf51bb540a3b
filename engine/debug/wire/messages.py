"""Every request, event, structure and error of the protocol, as tables: the reference for whoever writes a client.

Fields are ``name: type``; a ``?`` after the name says that it may be left out. Types: ``str``, ``int``, ``number``,
``bool``, ``object`` (a JSON object), ``any``, ``array`` (:class:`~engine.debug.wire.arrays.Array`), ``null``, the name
of a structure of :data:`STRUCTURES`, a literal in quotes, ``[T]`` for a list of T, and ``T | U``. Lines and columns
count from 1; everything else (events, batches, elements) counts from 0. Where a body has further fields, a client
ignores those that it does not know.
"""

from __future__ import annotations

from typing import NamedTuple

Fields = dict[str, str]


class Request(NamedTuple):
    """What a client can ask: ``arguments`` it takes, ``body`` of the answer, ``when`` it is done.

    ``when``: ``"always"``: at once, also while the script runs; ``"tick"``: on the script's thread, at once while it is
    stopped, else at the next op, after which the script goes on; ``"stopped"``: only while the script is stopped,
    otherwise the error ``notStopped``; ``"start"``: once, before the script runs, at once where it runs already.
    """

    text: str
    arguments: Fields
    body: Fields
    when: str = "tick"


class Event(NamedTuple):
    """What a debuggee says unasked."""

    text: str
    body: Fields


_LEVEL = "'run' | 'epoch' | 'batch' | 'line' | 'module' | 'op' | 'element'"

#: Which exceptions can stop the script, as the Debug Adapter Protocol calls them; each with whether they do until a client
#: has asked for others.
EXCEPTION_FILTERS = {"raised": False, "uncaught": True}
_FILTER = " | ".join(repr(name) for name in EXCEPTION_FILTERS)
_GATES: Fields = {"condition?": "str", "hitCondition?": "str", "logMessage?": "str"}

#: Objects that occur in several places.
STRUCTURES: dict[str, Fields] = {
    # Where tensors come from: an array of a recorded event, or the value of an expression in a frame. A name alone is an
    # array of the event at the cursor first; with a frameId it is a variable there first.
    "EventReference": {"event": "int", "name": "str"},
    "ExpressionReference": {"expression": "str", "frameId?": "int"},
    "Source": {"path": "str", "name?": "str"},
    # condition: Python over the names of the stop. hitCondition: which hits count: "5" (the fifth), ">= 3", "% 10".
    # logMessage: print this, with {expressions} filled in, instead of stopping.
    "SourceBreakpoint": {"line": "int", **_GATES},
    # op and module are patterns as of fnmatch: "Conv*", "features.*".
    "OpBreakpoint": {"op?": "str", "module?": "str", "direction?": "'forward' | 'backward' | 'update'", **_GATES},
    "ModuleBreakpoint": {"module": "str", "when?": "'enter' | 'exit'", **_GATES},
    # kind: "nan", "inf", "nan-inf"; "max-above", "max-below" and likewise min, mean, std, range, gradient-norm,
    # update-ratio; "dead-units-above", "saturation-above", "loss-rise" (window: losses it is compared with),
    # "weight-crosses" (needs index). tensor: a pattern of names.
    "Watchpoint": {
        "kind": "str", "tensor?": "str", "threshold?": "number", "index?": "int | [int]", "window?": "int", **_GATES,
    },
    # What became of a breakpoint that was set: verified is false where it cannot be hit, and message says why.
    "Breakpoint": {"id": "int", "verified": "bool", "line?": "int", "message?": "str"},
    # kind "exec" runs code in the script's names; kind "parameters" assigns NAME=VALUE to names of the parameters cell,
    # and to hyper-parameters of optimizers that have their value from there; kind "tensor" writes one value or an array.
    "CodeEdit": {"kind": "'exec'", "code": "str"},
    "ParameterEdit": {"kind": "'parameters'", "settings": "[str]"},
    "TensorEdit": {"kind": "'tensor'", "reference": "Reference", "index?": "int | [int]", "value": "number | bool | array"},
    # Start from a recording: stop at (or just before) a position; level is that of the stop; breakpoints: also stop
    # at breakpoints on the way; edits are applied there; skip false computes what could be skipped, too;
    # recordedScript: run the text that was recorded, whatever the file has become.
    "Replay": {
        "recording": "str", "at?": "Position", "before?": "Position", "level?": _LEVEL, "breakpoints?": "bool",
        "edits?": "[Edit]", "skip?": "bool", "recordedScript?": "bool",
    },
    # A request tensor, histogram or samples, asked of every so manieth step that is shown.
    "View": {"id": "str", "command": "'tensor' | 'histogram' | 'samples'", "arguments": "object", "every?": "int"},
    # An array of an event; label is the parameter or buffer that it belongs to.
    "TensorSummary": {"name": "str", "shape": "[int]", "dtype": "str", "label?": "str"},
    "Frame": {"id": "int", "name": "str", "source?": "Source", "line": "int", "column?": "int", "module?": "str"},
    "Scope": {"name": "str", "variablesReference": "int", "expensive?": "bool"},
    # variablesReference is 0 where there is nothing inside.
    "Variable": {
        "name": "str", "value": "str", "type?": "str", "variablesReference": "int", "evaluateName?": "str",
        "namedVariables?": "int", "indexedVariables?": "int",
    },
    "Thread": {"id": "int", "name": "str"},
}  # fmt: skip

#: Names for types that are more than one structure. A position is [tick, line, fine] (line and fine may be left out).
ALIASES: dict[str, str] = {
    "Position": "[int]",
    "Reference": "EventReference | ExpressionReference",
    "Edit": "CodeEdit | ParameterEdit | TensorEdit",
    "Level": _LEVEL,
}

# How many epochs, and batches of the pass at work, there will be (null: nothing says it); where the run computes.
_OUTLOOK: Fields = {
    "epochs?": "int | null", "batches?": "int | null", "device?": "str", "threads?": "int", "seed?": "int",
}
_VALUE: Fields = {"value": "str", "type?": "str", "variablesReference?": "int"}
_SET: Fields = {"breakpoints": "[Breakpoint]"}

REQUESTS: dict[str, Request] = {
    # -------------------------------------------------------------------------------- the connection and the run
    "authenticate": Request(
        "The client's part of the handshake (engine.debug.wire.handshake). Nothing else is heard before it.",
        {"version": "int", "mac": "str", "nonce": "str"}, {"mac": "str"}, "start",
    ),
    "launch": Request(
        "Prepare to run a script. parameters are 'name=value' for its parameters cell; asTorch lets 'import torch' find "
        "the engine; recording is the folder of the run's tape (one of its own by default); replay starts from an "
        "earlier run instead. The event 'initialized' follows; set breakpoints then, and send configurationDone.",
        {
            "program": "str", "arguments?": "[str]", "cwd?": "str | null", "parameters?": "[str]", "asTorch?": "bool",
            "stopOnEntry?": "bool", "recording?": "str | null", "replay?": "Replay | null", "threads?": "int | null",
        },
        {}, "start",
    ),
    "configurationDone": Request("Breakpoints are set: start the script.", {}, {}, "start"),
    "disconnect": Request(
        "End the session. A script that the client launched is ended too unless terminateDebuggee is false; one that it "
        "attached to runs on unless it is true.",
        {"terminateDebuggee?": "bool"}, {}, "always",
    ),
    "terminate": Request("End the script; the events terminated and exited follow.", {}, {}, "always"),
    "flushRecording": Request(
        "Write the tape to disk up to now, so that another process can replay it.",
        {}, {"recording": "str", "position": "Position"},
    ),
    # -------------------------------------------------------------------------------- breakpoints
    "setBreakpoints": Request(
        "Replace all breakpoints of one file. A line without code moves to the next that has some.",
        {"source": "Source", "breakpoints": "[SourceBreakpoint]"}, _SET, "always",
    ),
    "setOpBreakpoints": Request(
        "Replace all breakpoints on ops; what is left out matches everything.",
        {"breakpoints": "[OpBreakpoint]"}, _SET, "always",
    ),
    "setModuleBreakpoints": Request(
        "Replace all breakpoints on modules.", {"breakpoints": "[ModuleBreakpoint]"}, _SET, "always",
    ),
    "setWatchpoints": Request(
        "Replace all watchpoints: conditions on tensors that stop at the op that made them true.",
        {"breakpoints": "[Watchpoint]"}, _SET, "always",
    ),
    "setExceptionBreakpoints": Request(
        "Stop at exceptions that end the script ('uncaught'; also until this was asked), or at every one that is raised, or "
        "comes through, in the user's files ('raised').",
        {"filters": f"[{_FILTER}]"}, {}, "always",
    ),
    # -------------------------------------------------------------------------------- moving
    "continue": Request("Run to the next breakpoint or the end.", {"threadId?": "int"}, {}, "stopped"),
    "pause": Request("Stop at the next event; the event stopped follows.", {"threadId?": "int"}, {}, "always"),
    "next": Request(
        "One step of the level given (by default that of the stop), over what is inside it.",
        {"granularity?": "Level", "threadId?": "int"}, {}, "stopped",
    ),
    "stepIn": Request(
        "One level finer. At an op with tensor and index: into the computation of that element.",
        {"granularity?": "Level", "tensor?": "str", "index?": "int | [int]", "threadId?": "int"}, {}, "stopped",
    ),
    "stepOut": Request("One level coarser.", {"granularity?": "Level", "threadId?": "int"}, {}, "stopped"),
    "stepBack": Request(
        "One step of the level back. Beyond the history: the error beyondHistory, and the client replays.",
        {"granularity?": "Level", "threadId?": "int"}, {}, "stopped",
    ),
    "reverseContinue": Request(
        "Back to the previous event at which a breakpoint would have stopped. May fail with beyondHistory.",
        {"threadId?": "int"}, {}, "stopped",
    ),
    "runTo": Request(
        "Run to one place: a line of a file (the current one by default), the first event at which a condition holds, the "
        "start of a batch or an epoch, the end of an optimizer step, or a position. Exactly one of them.",
        {
            "line?": "int", "source?": "Source", "condition?": "str", "batch?": "int", "epoch?": "int", "step?": "int",
            "position?": "Position",
        },
        {}, "stopped",
    ),
    "goto": Request(
        "Move the cursor to a recorded event: at a position or with a number. May fail with beyondHistory.",
        {"position?": "Position", "seq?": "int"}, {}, "stopped",
    ),
    # -------------------------------------------------------------------------------- looking at the script
    "status": Request(
        "Where the run is.",
        {},
        {
            "state": "'running' | 'stopped' | 'ended'", "position?": "Position", "epoch?": "int", "batch?": "int",
            "step?": "int", "loss?": "number | null", "historyBytes?": "int", "historyEvents?": "int",
            "historyBudget?": "int", **_OUTLOOK,
        },
        "always",
    ),
    "threads": Request("The threads that run user code: the script's.", {}, {"threads": "[Thread]"}, "always"),
    "stackTrace": Request(
        "The user's frames, innermost first.",
        {"threadId?": "int", "startFrame?": "int", "levels?": "int"},
        {"stackFrames": "[Frame]", "totalFrames?": "int"}, "stopped",
    ),
    "scopes": Request("The scopes of a frame.", {"frameId": "int"}, {"scopes": "[Scope]"}, "stopped"),
    "variables": Request(
        "What is inside a scope or a variable; start and count cut out a part of the elements.",
        {"variablesReference": "int", "start?": "int", "count?": "int", "filter?": "'indexed' | 'named'"},
        {"variables": "[Variable]"}, "stopped",
    ),
    "evaluate": Request(
        "The value of an expression in a frame (the script's globals without one). In context 'repl' statements are "
        "allowed and what they change stays changed; in 'hover' only the script's own names are known, in the others also "
        "the arrays of the op and the counters.",
        {"expression": "str", "frameId?": "int | null", "context?": "'repl' | 'watch' | 'hover'"},
        {"result": "str", "type?": "str", "variablesReference": "int"},
    ),
    "setVariable": Request(
        "Give a variable of a scope another value (a Python expression).",
        {"variablesReference": "int", "name": "str", "value": "str"}, _VALUE, "stopped",
    ),
    "setExpression": Request(
        "Assign to anything that Python can assign to: 'model.fc.weight[0, 3]'.",
        {"expression": "str", "value": "str", "frameId?": "int | null"}, _VALUE, "stopped",
    ),
    "source": Request("The text of a file of the script.", {"path": "str"}, {"content": "str"}, "always"),
    "events": Request(
        "Recorded events from a number on (the newest count without from), those of the kinds given, each with the fields "
        "of a stop, its tensors, and function: a number that an op's forward and backward share (null: not on the tape). "
        "first and last are the numbers that the history holds; complete: it holds everything from the start of the run.",
        {"from?": "int", "count?": "int", "kinds?": "[str]"},
        {"events": "[object]", "first": "int | null", "last": "int | null", "complete": "bool"},
    ),
    "modules": Request(
        "The modules of the script: path, class, training, and their own parameters (name, shape, requiresGrad).",
        {}, {"modules": "[object]"},
    ),
    "graph": Request(
        "The ops of the step of an event (of the stop without one) and the tensors between them. holds: the first and the "
        "last event that this is the graph of. number: of the answer; where that of the stop is still the one whose number "
        "is given as unless, the answer is this number alone.",
        {"event?": "int", "unless?": "int"}, {"number?": "int"},
    ),
    "samples": Request(
        "The samples of the batch: inputs, labels, predictions, losses, indices in the dataset. names: of the classes, "
        "where the dataset or the script gives them; pass: loader, epoch, batch.",
        {"event?": "int", "start?": "int", "count?": "int"}, {},
    ),
    "labelsAt": Request(
        "Where labels of these samples can be changed: the event at which a change is one that the loss reads, and their "
        "array there, by name or expression, with its shape; null where there are none.",
        {"event?": "int"}, {"labelsAt": "object | null"},
    ),
    # -------------------------------------------------------------------------------- tensors
    "tensor": Request(
        "The numbers of a tensor. slice: as in Python ('0, :, 3:5'); maxShape: downsample to at most these sizes; "
        "transform: a function of each element: 'abs', 'sign', 'square', 'log'; describe false: without its description, "
        "which reads all of it; shapeOnly: only its shape and dtype. event and name say what recorded it, step how many "
        "optimizer steps had ended then.",
        {
            "reference": "Reference", "slice?": "str | [any]", "maxShape?": "[int]", "transform?": "str",
            "describe?": "bool", "shapeOnly?": "bool",
        },
        {"description?": "object", "event": "int | null", "step?": "int | null", "name": "str"},
    ),
    "tensors": Request(
        "Several tensors at once: arguments of 'tensor' for each, and its answer without description, or its error.",
        {"tensors": "[object]"}, {"tensors": "[object]"},
    ),
    "histogram": Request(
        "Counts of a tensor's elements between equally wide edges; describe as of 'tensor'.",
        {"reference": "Reference", "bins?": "int", "range?": "[number] | null", "describe?": "bool"},
        {"description?": "object", "event": "int | null", "step?": "int | null", "name": "str"},
    ),
    "gridEvaluate": Request(
        "The model's output on a grid over two inputs, for decision boundaries. x and y: [from, to]; resolution: points "
        "along each; inputs: the values of the inputs, of which x and y replace the first two or those named.",
        {"model": "str", "x": "any", "y": "any", "resolution?": "int | [int]", "inputs?": "any"}, {},
    ),
    "explain": Request(
        "Why an element has its value: formula for the settings that hold, formula with its numbers, a note where it "
        "is computed otherwise than the formula says, contributors (at most limit of them), and the check against the"
        " kernel's value. step: optimizer steps that had ended at the event. launch: of an element that a GPU "
        "computed {kernel, threadIdx, blockIdx, blockDim, gridDim, index, shape} in the version with one thread for "
        "each element, else null; kernel: 'derived' (elements in C order along x) or 'naive' (a matrix product: j "
        "along x, i along y, n along z). order: of the contributors; 'terms': those of the largest summands first, "
        "whole summands only, and terms: {sizes: contributors of each, summands: whether all add up to the result, "
        "beyond: {count, share, deciding} of those left out}. edited: whether an edit at the event set the element after "
        "its op had computed it; editedInputs: the other arrays that an edit there changed after the op had read them, and "
        "that the definition is given as they are now. now: what a tensor of the present holds there by now, if that is "
        "another number.",
        {"reference": "Reference", "index": "int | [int]", "limit?": "int", "order?": "'read' | 'share' | 'terms'"},
        {
            "op": "str", "name": "str", "index": "[int]", "latex": "str", "plain": "str", "here": "str", "numbers": "str",
            "note": "str", "cause": "str",
            "contributors": "[object]", "total": "int", "event": "int", "step?": "int", "position": "Position",
            "launch?": "object | null", "terms?": "object", "edited": "bool",
            "editedInputs": "[str]", "now": "any",
        },
    ),
    "elementSteps": Request(
        "The computation of an element, line by line of its definition, with the variables at each.",
        {"reference": "Reference", "index": "int | [int]", "start?": "int", "count?": "int"},
        {
            "steps": "[object]", "count": "int", "source": "any", "file": "str", "truncated": "bool",
            "launch?": "object | null",
        },
    ),
    "edit": Request(
        "Change this process at the place where the script stands. The past is changed in a fork (launch with replay).",
        {"edits": "[Edit]"}, {}, "stopped",
    ),
    # -------------------------------------------------------------------------------- the run as a whole
    "statistics": Request(
        "Switch statistics of every tensor on (tier; every, histogramsEvery: each so many steps) and off, and ask for them: "
        "latest by tensor, and with names the series of one field between two steps as {name: {steps, values}}. "
        "histograms: a tensor's name, whose histograms over the steps are wanted: {name, steps, counts, edges}.",
        {
            "enabled?": "bool", "tier?": "'off' | 'scalars' | 'histograms'", "every?": "int", "names?": "[str]",
            "field?": "str", "from?": "int", "to?": "int", "histograms?": "str", "histogramsEvery?": "int",
        },
        {"enabled": "bool", "tier?": "str", "latest?": "object", "series?": "object", "histograms?": "object"},
    ),
    "diagnostics": Request(
        "Switch the diagnoses on and off, and ask for what they found; new findings are also events.",
        {"enabled?": "bool"}, {"enabled": "bool", "findings": "[object]"},
    ),
    "locateFinding": Request(
        "The event at which a finding of the diagnoses shows; null where the history does not have it. tensor: of one on "
        "NaN or infinity the array there that holds them.",
        {"finding": "object"}, {"event": "int | null", "tensor": "str | null"},
    ),
    "live": Request(
        "What to show while the script runs freely, by events snapshot that carry the number of the subscription: these "
        "views in the place of earlier ones (without any, only the structure is told); with enabled false, nothing.",
        {"subscription": "int", "views": "[View]", "enabled?": "bool"}, {}, "always",
    ),
    "curves": Request(
        "The curves of the run. steps and losses: of the backward passes from number from on, how many optimizer steps "
        "had ended and the loss; step: only what was measured from so many steps on. series: each quantity ('loss', "
        "'accuracy', 'learning rate', 'gradient norm'), name ('train', 'validation' ...), steps, values, counts; "
        "evaluations: the names that places of evaluation have by now; epochs: (number, first step) of each. total: how "
        "many backward passes there were.",
        {"from?": "int", "step?": "int"},
        {
            "steps": "array", "losses": "array", "series?": "[object]", "evaluations?": "[str]", "epochs?": "array",
            "total?": "int",
        },
    ),
    "locate": Request(
        "The position at which so many optimizer steps have ended, or at which the backward pass after them begins "
        "(what 'loss'); null where the run has not been there. steps: how many have ended where the script stands.",
        {"step": "int", "what?": "'step' | 'loss'"}, {"position": "Position | null", "steps": "int"},
    ),
    "digest": Request(
        "A digest of all parameters, optimizer state and random streams here.",
        {}, {"digest": "str", "position": "Position"},
    ),
    "environment": Request(
        "What the numbers of a run depend on besides the script: versions, processor, threads, the seed that the random "
        "stream has now, and the user's other files that the script has loaded, with hashes of their contents.",
        {},
        {
            "versions": "object", "system": "str", "processor": "str", "threads": "int", "seed": "int | null",
            "files": "object",
        },
    ),
    "checksums": Request(
        "Checksums of the arrays of the recorded op events between two steps, to find where two runs part.",
        {"from?": "int", "to?": "int"}, {"checksums": "[object]"},
    ),
}  # fmt: skip

EVENTS: dict[str, Event] = {
    "challenge": Event(
        "The first message of a connection: the handshake begins.",
        {"version": "int", "nonce": "str", "name": "str", "pid": "int"},
    ),
    "initialized": Event("Ready for breakpoints; answer with configurationDone.", {}),
    "stopped": Event(
        "The script has stopped, or the cursor has moved. reason: entry, step, breakpoint, op breakpoint, module "
        "breakpoint, data breakpoint, exception, pause, goto, replay, end. live is false while the cursor is in the past; "
        "seq is the event there, kind, name and tensors are its. tensor, index and sample say what a watchpoint saw, text "
        "what an exception says, element the step while an element's computation is stepped. found is false where a step "
        "back found nothing and stopped at the oldest place; again is true where the cursor has come to a breakpoint "
        "in what was recorded: the run has been there, and its hit was counted then; entry is true where a run begins at a "
        "breakpoint; bypassed is 'torch' where a script begins that imports PyTorch itself, or has ended with it and "
        "without computing anything here: it was launched without asTorch.",
        {
            "reason": "str", "description?": "str", "text?": "str | null", "position": "Position", "level": "Level",
            "kind?": "str", "name?": "str", "file?": "str | null", "line?": "int | null", "function?": "str | null",
            "module?": "str | null", "op?": "str | null", "direction?": "str | null", "origin?": "any", "epoch?": "int",
            "batch?": "int", "step?": "int", "tensors?": "[TensorSummary]", "tensor?": "str | null", "index?": "any",
            "sample?": "any", "element?": "object", "hitBreakpointIds?": "[int]", "live": "bool", "seq?": "int | null",
            "exitCode?": "int", "found?": "bool", "again?": "bool", "entry?": "bool", "bypassed?": "'torch'",
            "threadId?": "int", "historyBytes?": "int", "historyBudget?": "int", **_OUTLOOK,
        },
    ),
    "continued": Event("The script runs.", {"threadId?": "int"}),
    "output": Event(
        "Text that the script wrote (stdout, stderr), or the debugger (console: log points, messages).",
        {"category": "'stdout' | 'stderr' | 'console'", "output": "str"},
    ),
    "progress": Event(
        "Where a running script is; at most 30 a second, and none while snapshots say it. stepsPerSecond is that of the "
        "last second; compiling: a kernel, which is compiled once and kept.",
        {
            "step": "int", "epoch": "int", "batch": "int", "compiling?": "str | null", "loss?": "number | null",
            "stepsPerSecond?": "number | null",
            "historyBytes?": "int", "historyBudget?": "int", **_OUTLOOK,
        },
    ),
    "snapshot": Event(
        "What a step of a free run looked like when it had ended; at most 34 a second, less where that would slow the "
        "script. views: by id, the bodies of the views of the subscription that there are, each with the step it is of; "
        "of the first step that is shown they all come at once. With the first one of a "
        "subscription, and when the structure has changed, the graph, and the events of one step as of the request "
        "events: a view's reference to one of these (or to one of the newest before the script ran on) means the array "
        "of that name in every step. Weights are those after the step. progress: as of that event.",
        {
            "subscription": "int", "step": "int", "epoch": "int", "batch": "int", "views": "object", "graph?": "object",
            "events?": "[object]", "progress?": "object",
        },
    ),
    "breakpoint": Event("A breakpoint has changed.", {"reason": "str", "breakpoint": "Breakpoint"}),
    "diagnostic": Event(
        "A diagnosis found something: cause and sentence say what, place where, suggestion what to do.",
        {
            "id": "str", "title": "str", "severity": "str", "cause": "str", "sentence": "str", "suggestion": "str",
            "place": "object",
        },
    ),
    "terminated": Event(
        "The run is over. With restart it was a replay that needed what it had skipped: launch again, with these fields "
        "in replay. The reasons of one that was attached to: ended (with exitCode, and perhaps text, where sys.exit was "
        "given these), exception (text says which), and occupied where another client is attached.",
        {"restart?": "object", "reason?": "str", "text?": "str", "exitCode?": "int"},
    ),
    "exited": Event("The script's exit code.", {"exitCode": "int"}),
}  # fmt: skip

#: Ids of errors (``body.error.id`` of a response without success). Further fields of ``body.error`` in brackets.
ERRORS: dict[str, str] = {
    "authentication": "The key is wrong, or something came before the handshake. The connection is closed.",
    "version": "The sides speak different versions of the protocol. The connection is closed.",
    "badMessage": "A message breaks the framing or the envelope. The connection is closed.",
    "unknownCommand": "There is no such request.",
    "badArguments": "An argument is missing, unknown or of the wrong type; the message names it.",
    "notStopped": "The request needs a script that is stopped.",
    "busy": "The debuggee is doing something else that cannot be interrupted; ask again.",
    "beyondHistory": "The place lies before what this process remembers; replay to go there. [before: Position, level]",
    "tooLarge": "The answer would exceed the limits; ask for a part of it.",
    "failed": "It could not be done; the message says why.",
}
