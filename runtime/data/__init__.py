"""Data: files to encoded rows, rows to batches."""

from runtime.data.assembly.entries import Dataset as Dataset
from runtime.data.batch import Batch as Batch
from runtime.data.batches import batch_count as batch_count
from runtime.data.batches import batches as batches
from runtime.data.batches import largest_sizes as largest_sizes
from runtime.data.batches import make_batch as make_batch
from runtime.data.batches import schedule as schedule
from runtime.data.dataset import read as read
from runtime.data.dataset import read_file as read_file
from runtime.data.examples import encode as encode
from runtime.data.real import Scaling as Scaling
from runtime.data.rows import Rows as Rows
from runtime.data.tables import Tables as Tables
from runtime.data.tokens import Vocabulary as Vocabulary
