"""MLflow as a mirror of run folders, ablations and searches; the only package that loads it."""

import os

# MLflow reads these while it is imported and at each request; what the user has set stays. Its
# failures are told as a TrackerError, so its own log is silent; stdout is for results; and left
# alone it waits minutes for a dead server.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = os.environ.get("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ["MLFLOW_LOGGING_LEVEL"] = os.environ.get("MLFLOW_LOGGING_LEVEL", "CRITICAL")
os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT", "4")
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = os.environ.get(
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1"
)
