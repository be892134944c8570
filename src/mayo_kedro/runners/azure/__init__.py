"""Azure ML behind the plain data of `job.py`: the only place that knows azureml."""
