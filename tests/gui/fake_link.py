"""A link that answers from a table, at once or when told to, and remembers what it was asked."""

from gui.linking.signals import LinkSignals


class FakeLink(LinkSignals):
    """``answers``: command -> body, or function of the arguments; of a run that is not current (run, command) -> the
    same. ``asked``: (key, command, arguments) of every ask; ``moves``: (command, arguments) of every move, and of fork,
    restart, switch, configure. With ``hold`` set nothing is answered before ``deliver()``."""

    active = True
    moving = False
    quiet = True

    def __init__(self):
        super().__init__()
        self.answers = {}
        self.asked = []
        self.moves = []
        self.hold = self.held_back = False
        self._held = {}

    def hold_back(self):
        self.held_back = True

    def release(self):
        self.held_back = False

    def ask(self, key, command, arguments, then, otherwise=None, run=None):
        self.asked.append((key, command, arguments))
        self._held[key] = (command if run is None else (run, command), arguments, then, otherwise)
        if not self.hold:
            self.deliver()

    def forget(self, key):
        self._held.pop(key, None)

    def deliver(self):
        held, self._held = self._held, {}
        for command, arguments, then, otherwise in held.values():
            answer = self.answers.get(command)
            answer = answer(arguments) if callable(answer) else answer
            if isinstance(answer, Exception) or answer is None:
                if otherwise is not None:
                    otherwise(str(answer or f"no answer to {command}"))
            else:
                then(answer)

    def move(self, command, **arguments):
        self.moves.append((command, arguments))

    def fork(self, edits, name=None, parameters=(), step=None):
        told = {"edits": edits, "name": name, "parameters": parameters}
        self.moves.append(("fork", told if step is None else {**told, "step": step}))

    def restart(self, parameters=None, name=None):
        self.moves.append(("restart", {"parameters": parameters, "name": name}))

    def switch(self, run):
        self.moves.append(("switch", {"run": run}))

    def rename(self, run, name):
        self.moves.append(("rename", {"run": run, "name": name}))

    def drop(self, run):
        self.moves.append(("drop", {"run": run}))

    def compare(self, a, b, then):
        self.moves.append(("compare", {"a": a, "b": b}))
        if "compare" in self.answers:
            then(self.answers["compare"])

    def configure(self, command, arguments, then=None):
        self.moves.append((command, arguments))
        if then is not None and command in self.answers:
            answer = self.answers[command]
            then(answer(arguments) if callable(answer) else answer)

    def set_breakpoints(self, path, breakpoints, then=None):
        self.configure("setBreakpoints", {"source": {"path": path}, "breakpoints": breakpoints}, then)

    def set_watchpoints(self, watchpoints, then=None):
        self.configure("setWatchpoints", {"breakpoints": watchpoints}, then)

    def work(self, what, job, then, said):
        self.moves.append((what, {}))

    def finish_with(self, job, patience=0.0):
        return False

    def answers_given(self):
        return {}

    def show_saved(self, answer):
        self.moves.append(("show_saved", {}))

    def keep_waiting(self):
        self.moves.append(("keep_waiting", {}))

    def end_engine(self):
        self.moves.append(("end_engine", {}))

    def touch(self):
        self.moves.append(("touch", {}))

    def launch(self, path, parameters=(), as_torch=False, arguments=()):
        self.moves.append(("launch", {"path": path, "parameters": parameters, "as_torch": as_torch, "arguments": arguments}))

    def attach(self, host, port, key):
        self.moves.append(("attach", {"host": host, "port": port, "key": key}))

    def stop(self):
        self.moves.append(("stop", {}))

    def close(self, timeout=0.0):
        return True
