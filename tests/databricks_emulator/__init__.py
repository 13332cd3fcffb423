"""A Databricks workspace on loopback that does what it accepts: filters filter, limits limit, ACLs refuse.

The REST surface is the documented one and what the real clients were seen to send; replies are plausible and were not
recorded from a workspace.
"""

from .workspace import Emulator, Fault, emulating

__all__ = ["Emulator", "Fault", "emulating"]
