"""Catalog classes: what kedro-datasets has none for."""

from mayo_kedro.datasets.dagshub_upload_dataset import DagsHubUploadDataset
from mayo_kedro.datasets.data_source_dataset import DataSourceDataset
from mayo_kedro.datasets.streamed_files_dataset import StreamedFilesDataset
from mayo_kedro.datasets.streamed_images_dataset import StreamedImagesDataset
from mayo_kedro.datasets.training_monitor_dataset import TrainingMonitorDataset

__all__ = [
    "DagsHubUploadDataset",
    "DataSourceDataset",
    "StreamedFilesDataset",
    "StreamedImagesDataset",
    "TrainingMonitorDataset",
]
