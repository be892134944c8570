"""A stand-in for Azure ML on loopback, which runs what is submitted to it as processes of this machine.

It speaks as much of the REST protocol as the unmodified `azureml-core` and `azureml-mlflow` use. No image is
built: an environment is a name and a text, and a job gets the packages of the Python that runs this service.
"""
