"""The durable engine: workflows with named steps that survive any crash, queues with a limit, timers, recovery.

Its library is hidden here; the rest of streamhub knows `Engine`, `Context` and `Policy` alone.
"""

from streamhub.engine.context import Context
from streamhub.engine.engine import TRANSCRIPTION, Engine
from streamhub.engine.policy import Decision, Json, Policy
from streamhub.store.work import StepState, StepStatus, WorkState, WorkStatus

__all__ = [
    "TRANSCRIPTION",
    "Context",
    "Decision",
    "Engine",
    "Json",
    "Policy",
    "StepState",
    "StepStatus",
    "WorkState",
    "WorkStatus",
]
