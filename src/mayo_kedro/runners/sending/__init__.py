"""What is sent: code, configuration, inputs and the request, looked through for secrets."""
