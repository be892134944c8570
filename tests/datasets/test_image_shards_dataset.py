"""Do shards hold what their table says, whatever ends a run?"""

import hashlib
import io
import subprocess
import sys
import tarfile

import pandas as pd
import pytest

from mayo_kedro.datasets import ImageShardsDataset

BODIES = {f"slide_{number}.png": bytes([number]) * (100 + 500 * number) for number in range(5)}


@pytest.fixture
def make(tmp_path):
    (tmp_path / "images").mkdir()
    for name, body in BODIES.items():
        (tmp_path / "images" / name).write_bytes(body)
    return lambda: open_dataset(tmp_path)


def open_dataset(folder):
    record = folder / "deep" / "shards.csv"
    return ImageShardsDataset(
        images=str(folder / "images"), folder=str(folder / "shards"), record=str(record)
    )


def names_in(folder):
    return sorted(path.name for path in (folder / "shards").iterdir())


def require_right(folder, table):
    """Each image lies where the table says, and each shard is named by its content."""
    for row in table.itertuples():
        content = (folder / "shards" / row.shard).read_bytes()
        body = content[int(row.offset) :][: int(table.bytes[row.Index])]
        assert hashlib.md5(body).hexdigest() == row.md5
        assert row.shard == f"shard_{hashlib.md5(content).hexdigest()[:16]}.tar"


def test_save_and_load(make, tmp_path):
    dataset = make()
    assert not dataset.exists()
    assert dataset.load().empty
    names = list(BODIES)
    dataset.save([names[:3], names[3:]])
    table = make().load()
    assert make().exists()
    assert list(table.columns) == ["image_id", "shard", "offset", "bytes", "md5"]
    assert list(table.image_id) == [f"slide_{number}" for number in range(5)]
    assert names_in(tmp_path) == sorted(set(table.shard))
    require_right(tmp_path, table)
    # anybody's tar reads them
    with tarfile.open(tmp_path / "shards" / table.shard[0]) as shard:
        assert {name: shard.extractfile(name).read() for name in shard.getnames()} == {
            name: BODIES[name] for name in names[:3]
        }


def test_the_same_images_make_the_same_shard_at_any_time_and_by_anybody(make, tmp_path):
    make().save([list(BODIES)])
    before = make().load()
    for name, body in BODIES.items():
        (tmp_path / "images" / name).unlink()
        (tmp_path / "images" / name).write_bytes(body)
        (tmp_path / "images" / name).chmod(0o600)
    make().save([list(BODIES)])
    pd.testing.assert_frame_equal(make().load(), before)


def test_shards_of_an_earlier_save_and_torn_ones_go(make, tmp_path):
    make().save([[name] for name in BODIES])
    (tmp_path / "shards" / ".part").write_bytes(b"torn")
    make().save([list(BODIES)[:2]])
    assert len(names_in(tmp_path)) == 1
    make().save([])
    assert names_in(tmp_path) == []
    assert make().load().empty


def test_a_name_that_a_plain_header_has_no_room_for(make, tmp_path):
    name = "ö" * 100 + ".png"
    (tmp_path / "images" / name).write_bytes(b"image")
    make().save([["slide_0.png", name]])
    require_right(tmp_path, make().load())


def test_an_image_that_is_gone_leaves_the_earlier_table_and_its_shards(make, tmp_path):
    make().save([["slide_0.png"]])
    with pytest.raises(FileNotFoundError, match="none"):
        make().save([["slide_1.png"], ["none.png"]])
    assert ".part" not in names_in(tmp_path)
    require_right(tmp_path, make().load())


def test_who_is_killed_while_packing_leaves_whole_shards_only(make, tmp_path):
    code = """
import itertools, os, sys
from pathlib import Path
from tests.datasets.test_image_shards_dataset import open_dataset
folder = Path(sys.argv[1])
for number in itertools.count():
    for name in ("slide_0.png", "slide_1.png", "slide_2.png"):
        (folder / "images" / name).write_bytes(str(number).encode() * 1_000_000)
    open_dataset(folder).save([["slide_0.png", "slide_1.png"], ["slide_2.png"]])
    if number == 3:
        print("ready", flush=True)
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    process.kill()
    process.wait()
    table = pd.read_csv(io.StringIO((tmp_path / "deep" / "shards.csv").read_text()), dtype=str)
    assert list(table.image_id) == ["slide_0", "slide_1", "slide_2"]
    require_right(tmp_path, table)
    for name in names_in(tmp_path):
        content = (tmp_path / "shards" / name).read_bytes()
        assert name in (".part", f"shard_{hashlib.md5(content).hexdigest()[:16]}.tar")
