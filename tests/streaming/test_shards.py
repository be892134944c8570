"""Images in shards: right bytes whatever is asked in which order, few requests, nothing twice on the disk."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys

import fsspec
import numpy as np
import pandas as pd
import pytest

from mayo_kedro.datasets import ImageShardsDataset, StreamedImagesDataset
from mayo_kedro.errors import UserError
from mayo_kedro.sandbox.process import start
from mayo_kedro.streaming.errors import DamagedImageError, OfflineError, RemoteFileNotFoundError
from mayo_kedro.streaming.manifests import FEW
from mayo_kedro.streaming.members import COLUMNS, Members
from mayo_kedro.streaming.revisions import forget_pins

_draws = random.Random(5)
IMAGES = {f"image_{number:03}": _draws.randbytes(_draws.randrange(1, 20_000)) for number in range(120)}
IDS = list(IMAGES)
SHARDS = 12
ALONE = IDS[-3:]
"""Images that are files of their own."""


@pytest.fixture(scope="module")
def seed(tmp_path_factory):
    """A repository with images in shards, some beside them, and the table of both."""
    packing, folder = tmp_path_factory.mktemp("packing"), tmp_path_factory.mktemp("seed")
    (packing / "images").mkdir()
    (folder / "tiles").mkdir()
    for image, body in IMAGES.items():
        place = folder / "tiles" if image in ALONE else packing / "images"
        (place / f"{image}.png").write_bytes(body)
    names = [f"{image}.png" for image in IDS if image not in ALONE]
    dataset = ImageShardsDataset(
        images=str(packing / "images"), folder=str(packing / "shards"), record=str(packing / "shards.csv")
    )
    size = -(-len(names) // SHARDS)
    dataset.save([names[first : first + size] for first in range(0, len(names), size)])
    for shard in (packing / "shards").iterdir():
        shutil.copy(shard, folder / "tiles")
    table = pd.DataFrame({"image_id": IDS, "label": "A"}).merge(dataset.load(), how="left").fillna("")
    table.to_csv(folder / "tiles" / "image_labels.csv", index=False)
    table.drop(columns=list(COLUMNS)).to_csv(folder / "train.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def with_ranges(seed, tmp_path_factory):
    with start(tmp_path_factory.mktemp("state"), seed=seed, ranges=True) as running:
        yield running


@pytest.fixture(scope="module")
def without_ranges(seed, tmp_path_factory):
    with start(tmp_path_factory.mktemp("state"), seed=seed) as running:
        yield running


@pytest.fixture
def service(request):
    running = request.getfixturevalue(getattr(request, "param", "with_ranges"))
    running.reset()
    forget_pins()
    yield running
    running.reset()
    forget_pins()


with_and_without_ranges = pytest.mark.parametrize("service", ["with_ranges", "without_ranges"], indirect=True)


def open_images(service, cache, table="tiles/image_labels.csv", **options):
    root = f"dagshub:///{service.owner}/{service.name}@{service.branch}"
    options = {"host": service.host, "token": service.token, "cache_folder": str(cache), **options}
    return StreamedImagesDataset(
        filepath=f"{root}/tiles",
        suffix=".png",
        table=f"{root}/{table}",
        columns={"image": "image_id", "label": "label"},
        credentials={**options, "skip_instance_cache": True, "stall_seconds": 0.5},
    ).load()


def shuffled(ids, seed=1):
    return random.Random(seed).sample(ids, len(ids))


def require_right(images, ids):
    paths = list(images.stream(ids))
    assert [path.read_bytes() for path in paths] == [IMAGES[image] for image in ids]
    return paths


def count_asked(service, suffix):
    paths = service.counts()["paths"]
    return sum(told["requests"] for path, told in paths.items() if "/raw/" in path and path.endswith(suffix))


def kept(cache):
    return {path.parent.name + path.name for path in (cache / "files" / "md5").glob("*/*")}


def md5_of(body):
    return hashlib.md5(body).hexdigest()


@with_and_without_ranges
@pytest.mark.parametrize("order", [list, shuffled])
def test_many_images_come_right_in_any_order_and_each_shard_once(service, tmp_path, order):
    images = open_images(service, tmp_path)
    ids = order(IDS)
    paths = require_right(images, ids)
    assert paths == [tmp_path / "files" / "md5" / md5_of(IMAGES[i])[:2] / md5_of(IMAGES[i])[2:] for i in ids]
    assert count_asked(service, ".tar") == SHARDS
    assert count_asked(service, ".png") == len(ALONE)


def test_a_shard_does_not_stay_beside_its_images(service, tmp_path, seed):
    require_right(open_images(service, tmp_path), IDS)
    assert {md5_of(body) for body in IMAGES.values()} <= kept(tmp_path)
    shards = {md5_of(path.read_bytes()) for path in (seed / "tiles").glob("*.tar")}
    assert not shards & kept(tmp_path)


def test_a_second_pass_a_second_process_and_offline_ask_for_no_image(service, tmp_path):
    images = open_images(service, tmp_path)
    require_right(images, IDS)
    service.reset("counts")
    require_right(images, shuffled(IDS, 2))
    assert service.counts()["requests"] == 0
    forget_pins()
    require_right(open_images(service, tmp_path), shuffled(IDS, 3))
    assert count_asked(service, ".tar") == count_asked(service, ".png") == 0
    service.reset("counts")
    offline = open_images(service, tmp_path, offline=True)
    require_right(offline, IDS)
    require_right(offline, IDS[:3])
    assert offline.read(IDS[0]) == IMAGES[IDS[0]]
    assert offline.listed_ids() == set(IDS)
    assert service.counts()["requests"] == 0


def test_offline_what_was_not_read_is_named(service, tmp_path):
    open_images(service, tmp_path).read(IDS[0])
    forget_pins()
    offline = open_images(service, tmp_path, offline=True)
    assert offline.read(IDS[0]) == IMAGES[IDS[0]]
    with pytest.raises(OfflineError, match=r"shard_.*not in the cache"):
        offline.read(IDS[60])
    with pytest.raises(OfflineError, match=r"shard_.*not in the cache"):
        list(offline.stream(IDS))


@with_and_without_ranges
def test_a_few_images_come_as_parts_where_that_is_granted(service, tmp_path):
    images = open_images(service, tmp_path)
    few = shuffled(IDS)[: FEW // 2]
    require_right(images, few)
    for image in few[:3]:
        assert images.read(image) == IMAGES[image]
    if service.counts()["bytes"] > 2 * sum(len(IMAGES[image]) for image in few):
        # each shard came whole, besides parts that were asked for before it was known that none are given
        assert count_asked(service, ".tar") <= SHARDS + FEW
        service.reset("counts")
        require_right(images, IDS[:30])
        assert count_asked(service, ".tar") <= SHARDS
    else:
        assert count_asked(service, ".tar") == sum(image not in ALONE for image in few)


def test_an_image_that_is_a_file_and_one_that_is_unknown(service, tmp_path):
    images = open_images(service, tmp_path)
    assert images.read(ALONE[0]) == IMAGES[ALONE[0]]
    with pytest.raises(KeyError, match="no image 'none'"):
        images["none"]
    with pytest.raises(RemoteFileNotFoundError, match=r"none\.png"):
        list(images.stream(["none"]))
    with pytest.raises(RemoteFileNotFoundError, match=r"none\.png"):
        list(images.stream([*IDS, "none"]))


def test_a_table_without_places_means_files(service, tmp_path):
    images = open_images(service, tmp_path, table="train.csv")
    assert images.read(ALONE[0]) == IMAGES[ALONE[0]]
    assert images.listed_ids() == set(ALONE)
    with pytest.raises(RemoteFileNotFoundError, match=IDS[0]):
        images.read(IDS[0])


def test_a_cache_smaller_than_the_data_evicts_and_brings_again(service, tmp_path):
    limit = sum(map(len, IMAGES.values())) / 3
    images = open_images(service, tmp_path, cache_gigabytes=limit / 10**9)
    for epoch in range(3):
        for image, path in zip(ids := shuffled(IDS, epoch), images.stream(ids), strict=True):
            assert path.read_bytes() == IMAGES[image]


def test_the_next_epoch_is_begun_before_it_is_asked_for(service, tmp_path):
    images = open_images(service, tmp_path)
    first, second = IDS[:40], IDS[60:110]
    for image, path in zip(first, images.stream(first, ahead=second), strict=True):
        assert path.read_bytes() == IMAGES[image]
    images._shards._unpackers.submit(lambda: None).result()
    require_right(images, second)
    assert count_asked(service, ".tar") <= SHARDS


def test_transfers_that_break_are_repeated(service, tmp_path):
    service.fault(path="*.tar", kind="truncate", times=2)
    service.fault(path="*.tar", kind="corrupt", times=2)
    service.fault(path="*.tar", kind="status", status=503, times=2)
    require_right(open_images(service, tmp_path), IDS)


def test_a_part_that_came_damaged_is_not_served(service, tmp_path):
    images = open_images(service, tmp_path)
    images.read(ALONE[0])
    service.fault(path="*.tar", kind="corrupt", times=1)
    assert images.read(IDS[0]) == IMAGES[IDS[0]]


def commit_table(service, seed, change):
    """Publish another table of places; gives the name of its file."""
    table = pd.read_csv(seed / "tiles" / "image_labels.csv", dtype=str, keep_default_na=False)
    change(table)
    service.commit({"other.csv": table.to_csv(index=False).encode()}, "Another table")
    forget_pins()
    return "other.csv"


@pytest.mark.parametrize("count", [FEW // 2, len(IDS)])
@with_and_without_ranges
def test_an_image_that_is_not_what_the_table_says_is_told_in_its_turn(service, seed, tmp_path, count):
    wrong = IDS[10]

    def change(table):
        table.loc[10, "md5"] = "0" * 32

    images = open_images(service, tmp_path, table=commit_table(service, seed, change))
    arriving, came = images.stream(IDS[:count]), []
    with pytest.raises(DamagedImageError, match=rf"'{wrong}' is not what(.|\n)*shard_(.|\n)*cut the slides"):
        came.extend(path.read_bytes() for path in arriving)
    assert came == [IMAGES[image] for image in IDS[:10]]
    assert images.read(IDS[11]) == IMAGES[IDS[11]]
    with pytest.raises(DamagedImageError):
        images.read(wrong)


def test_a_shard_that_is_not_there_is_missed_before_the_training(service, seed, tmp_path):
    def change(table):
        table.loc[:9, "shard"] = "shard_none.tar"

    images = open_images(service, tmp_path, table=commit_table(service, seed, change))
    assert images.listed_ids() == set(IDS[10:])
    with pytest.raises(RemoteFileNotFoundError, match=r"shard_none\.tar"):
        list(images.stream(IDS))


@pytest.mark.parametrize("wrong", [{"offset": "x"}, {"bytes": "-1"}, {"md5": "A" * 32}, {"md5": ""}])
def test_columns_that_tell_no_place_are_refused(wrong):
    right = {"shard": "a.tar", "offset": "512", "bytes": "1", "md5": "0" * 32}
    columns = {name: [value, ""] for name, value in {**right, **wrong}.items()}
    with pytest.raises(UserError, match=r"labels\.csv does not tell where(.|\n)*pipeline `slides`"):
        Members(["a", "b"], columns, "labels.csv")


@pytest.fixture
def local(seed, tmp_path, monkeypatch):
    """The images in a folder of this disk, which is no repository: no hash is declared of a shard."""
    monkeypatch.setenv("MAYO_CACHE_DIR", str(tmp_path / "cache"))
    shutil.copytree(seed, tmp_path / "seed")
    return StreamedImagesDataset(
        filepath=str(tmp_path / "seed" / "tiles"),
        suffix=".png",
        table=str(tmp_path / "seed" / "tiles" / "image_labels.csv"),
        columns={"image": "image_id", "label": "label"},
    )


def test_shards_in_a_folder_are_read_and_stay(local, tmp_path):
    images = local.load()
    require_right(images, shuffled(IDS))
    assert local.load().read(IDS[5]) == IMAGES[IDS[5]]
    assert len(list((tmp_path / "seed" / "tiles").glob("*.tar"))) == SHARDS


def test_a_shard_that_was_damaged_on_the_way_is_never_served(local, tmp_path):
    images = local.load()
    place = images._members.place(images._members.find_row(IDS[20]))
    with (tmp_path / "seed" / "tiles" / images._members.names[place.shard]).open("r+b") as shard:
        shard.seek(place.offset)
        shard.write(bytes([IMAGES[IDS[20]][0] ^ 1]))
    with pytest.raises(DamagedImageError, match=IDS[20]):
        require_right(images, IDS)
    require_right(images, IDS[:20])


def test_shards_on_any_other_filesystem_are_copied(seed, tmp_path, monkeypatch):
    monkeypatch.setenv("MAYO_CACHE_DIR", str(tmp_path))
    memory = fsspec.filesystem("memory")
    memory.put(f"{seed}/tiles/", "/shards-test/", recursive=True)
    images = StreamedImagesDataset(
        filepath="memory://shards-test",
        suffix=".png",
        table="memory://shards-test/image_labels.csv",
        columns={"image": "image_id", "label": "label"},
    ).load()
    require_right(images, IDS)
    memory.rm("/shards-test", recursive=True)


def test_batches_use_few_shards_at_once_and_go_on_exactly(service, tmp_path):
    images = open_images(service, tmp_path)

    def read(loader, epoch, first=0):
        return [
            (batch.rows.tolist(), [md5_of(open(path, "rb").read()) for path in batch.paths])
            for batch in loader.epoch(epoch, first)
        ]

    whole = read(images.batches(IDS, 7, seed=3, epochs=2), 1)
    for rows, md5s in whole:
        assert md5s == [md5_of(IMAGES[IDS[row]]) for row in rows]
    again = open_images(service, tmp_path / "other")
    assert read(again.batches(IDS, 7, seed=3, epochs=2), 1, 9) == whole[9:]
    shards = again._members.find_shards(again._members.find_rows(IDS))
    first_half = {shards[row] for rows, _ in whole[: len(whole) // 3] for row in rows}
    assert len(first_half) <= 8


def test_a_training_tells_shards_apart_by_the_images_that_lie_together(service, seed, tmp_path):
    def change(table):
        table["shard"] = table["shard"].where(table["shard"] == "", "shard_of_all.tar")

    told = open_images(service, tmp_path).fingerprint_order(IDS)
    assert open_images(service, tmp_path).fingerprint_order(IDS) == told
    assert open_images(service, tmp_path, table="train.csv").fingerprint_order(IDS) is None
    other = open_images(service, tmp_path, table=commit_table(service, seed, change))
    assert other.fingerprint_order(IDS) not in (told, None)


def test_who_is_killed_leaves_whole_images_only(service, tmp_path):
    service.shape(latency_ms=20, mbit_per_s=20)
    code = """
import json, sys
from types import SimpleNamespace
from tests.streaming.test_shards import IDS, open_images
images = open_images(SimpleNamespace(**json.loads(sys.argv[1])), sys.argv[2])
for number, path in enumerate(images.stream(IDS)):
    if number == 25:
        print("ready", flush=True)
"""
    told = {name: getattr(service, name) for name in ("host", "token", "owner", "name", "branch")}
    command = [sys.executable, "-c", code, json.dumps(told), str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert process.stdout.readline() == "ready\n"
    process.kill()
    process.wait()
    service.reset()
    bodies = {md5_of(body): body for body in IMAGES.values()}
    found = {path.parent.name + path.name: path.read_bytes() for path in tmp_path.glob("files/md5/*/*")}
    assert {md5: body for md5, body in found.items() if md5 in bodies}.items() <= bodies.items()
    require_right(open_images(service, tmp_path), IDS)


def test_places_of_a_million_images_take_little_memory():
    """Columns, and no object for each."""
    import tracemalloc

    count = 200_000
    ids = [f"image_{number}" for number in range(count)]
    columns = {
        "shard": [f"shard_{number // 1000}.tar" for number in range(count)],
        "offset": ["512"] * count,
        "bytes": ["1000"] * count,
        "md5": ["0" * 32] * count,
    }
    tracemalloc.start()
    members = Members(ids, columns, "table")
    kept_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(members) == count
    assert kept_bytes < 200 * count
    divided = list(members.divide(members.find_rows(ids[::-1])))
    assert [shard for shard, _ in divided][:2] == [members._shards[-1], members._shards[-1001]]
    assert sum(len(rows) for _, rows in divided) == count
    assert np.concatenate([rows for _, rows in divided]).tolist() == list(range(count))[::-1]
