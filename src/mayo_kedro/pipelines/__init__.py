"""The way of the data: data_processing → modelling → reporting."""
