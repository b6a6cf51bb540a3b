"""What is set, in another thread, while a process is told what was set before."""

import os

from engine.debug.run import Run
from engine.debug.session import Session


def test_a_setting_may_come_while_a_process_begins():
    with Session.reopen(os.devnull) as session:
        settings = session._processes.settings

        class Client:
            launched, asked = True, []

            def request(self, command, **_arguments):
                self.asked.append(command)
                settings[command, f"set after {len(self.asked)} requests"] = command, {}
                return {}

            def wait_for(self, _names, _timeout):
                return {"event": "stopped", "body": {"reason": "entry"}}

        session.preset("setBreakpoints", source={"path": "a.py"}, breakpoints=[])
        stop = session._processes.begin(Run(1, "run 1", Client(), None), None)
        assert stop.reason == "entry" and Client.asked == ["setBreakpoints", "configurationDone"]
