"""Flows: order, retries and cancellation by Prefect around stages that DVC runs. The only folder with Prefect.

Prefect reads its settings while it is imported, so its home (below the state folder) is named here, before any flow is.
What the environment already says is left alone.
"""

import os
from pathlib import Path

_STATE = Path(os.environ.get("INTERDANCE_STATE") or Path.cwd() / ".state")
for _name, _value in (
    ("PREFECT_HOME", str(_STATE / "prefect")),
    ("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120"),  # the first start makes a database: 20 s is too short
    ("PREFECT_SERVER_ANALYTICS_ENABLED", "false"),
    ("DO_NOT_TRACK", "1"),
):
    os.environ.setdefault(_name, _value)
