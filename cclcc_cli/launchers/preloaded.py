"""What local workers need of what takes seconds to load: loaded once, in the process that they are
forked from (``local_pool``), and by nobody else.

Nothing here may look for a GPU: CUDA cannot be used in a process forked after that.
"""

import os
import signal

# A terminal's Ctrl-C and a signal to all processes of a job are for those that have something to
# save. Workers unblock it once they can hear it, so none is lost.
os.setpgid(0, 0)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

import torch._dynamo  # noqa: E402, F401, with which each optimiser is made

import cclcc_cli.runs.run  # noqa: E402, F401
