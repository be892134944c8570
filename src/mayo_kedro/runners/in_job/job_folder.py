"""Where things lie in a job's working folder; only the standard library, like what starts the job."""

JOB_FOLDER = "job"
REQUEST = f"{JOB_FOLDER}/request.json"
RUN = f"{JOB_FOLDER}/run.yml"
INPUTS = f"{JOB_FOLDER}/inputs"

RESULTS = "outputs/results"
MANIFEST = f"{RESULTS}/manifest.json"
FAILURE = f"{RESULTS}/failure.json"
CHECKPOINTS = "outputs/checkpoints"

COMMAND = ("python", "-P", "src/mayo_kedro/runners/in_job/start.py", REQUEST)
"""Starts the job, in the unpacked snapshot."""
