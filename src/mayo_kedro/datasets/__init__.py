"""Catalog classes: what kedro-datasets has none for."""

from mayo_kedro.datasets.checkpoints_dataset import CheckpointsDataset
from mayo_kedro.datasets.dagshub_upload_dataset import DagsHubUploadDataset
from mayo_kedro.datasets.data_source_dataset import DataSourceDataset
from mayo_kedro.datasets.html_page_dataset import HTMLPageDataset
from mayo_kedro.datasets.image_shards_dataset import ImageShardsDataset
from mayo_kedro.datasets.new_images_dataset import NewImagesDataset
from mayo_kedro.datasets.optional_table_dataset import OptionalTableDataset
from mayo_kedro.datasets.predictor_dataset import PredictorDataset
from mayo_kedro.datasets.selected_partitions_dataset import SelectedPartitionsDataset
from mayo_kedro.datasets.slide_images_dataset import SlideImagesDataset
from mayo_kedro.datasets.slide_workers_dataset import SlideWorkersDataset
from mayo_kedro.datasets.streamed_files_dataset import StreamedFilesDataset
from mayo_kedro.datasets.streamed_images_dataset import StreamedImagesDataset
from mayo_kedro.datasets.streamed_slides_dataset import StreamedSlidesDataset
from mayo_kedro.datasets.training_monitor_dataset import TrainingMonitorDataset

__all__ = [
    "CheckpointsDataset",
    "DagsHubUploadDataset",
    "DataSourceDataset",
    "HTMLPageDataset",
    "ImageShardsDataset",
    "NewImagesDataset",
    "OptionalTableDataset",
    "PredictorDataset",
    "SelectedPartitionsDataset",
    "SlideImagesDataset",
    "SlideWorkersDataset",
    "StreamedFilesDataset",
    "StreamedImagesDataset",
    "StreamedSlidesDataset",
    "TrainingMonitorDataset",
]
