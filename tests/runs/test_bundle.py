"""Bundles: the same bytes for the same runs, nothing private in them, nothing trusted in them."""

import hashlib
import io
import json
import lzma
import os
import shutil
import tarfile
import zipfile
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cclcc_cli.config import parse_recipe
from cclcc_cli.errors import BundleError, CclccError, DiskError
from cclcc_cli.runs.bundle import select, write_bundle
from cclcc_cli.runs.folder import RECORDS, RunFolder
from cclcc_cli.runs.plan_record import PlanRecord, write_record
from cclcc_cli.runs.progress import TextDisplay
from cclcc_cli.runs.run import train_run
from cclcc_cli.runs.unbundle import extract, open_bundles
from cclcc_cli.training.runtime import Runtime


def files(root):
    """Content by path below a folder, of what is no lock."""
    return {path.relative_to(root).as_posix(): path.read_bytes()
            for path in root.rglob("*") if path.is_file() and path.suffix != ".lock"}


def bundle(root, out, **options):
    return write_bundle(root, select(root, **options), out)


@pytest.fixture(scope="module")
def trained(tiny_data, tmp_path_factory):
    """Two seeds of supervised, really trained for two steps, and the record of an ablation."""
    root = tmp_path_factory.mktemp("trained") / "runs"
    for seed in (0, 1):
        train_run(
            parse_recipe({
                "name": "tiny", "method": "supervised", "seed": seed,
                "data": {"name": "synthetic", "size": 32, "labeled": 4},
                "model": {"widths": [4, 8, 8, 8, 8]}, "budget": {"steps": 2},
                "validation": {"every": 2}, "batch": {"labeled": 2},
            }, "test"),
            data_root=tiny_data, runs_root=root, runtime=Runtime("cpu", "fp32"),
            display=TextDisplay(lambda _line: None), ablation="two",
        )
    runs = sorted(root.glob("synthetic-32/*"))
    write_record(root, "two", PlanRecord(), 1, [(path.name, path) for path in runs])
    return root


@pytest.fixture
def root(trained, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(trained, tmp_path / "runs")


@pytest.fixture
def first(root):
    return RunFolder(min(root.glob("synthetic-32/*")))


@pytest.fixture
def file(root, tmp_path):
    bundle(root, tmp_path / "study.tar.xz")
    return tmp_path / "study.tar.xz"


def test_the_same_runs_are_the_same_bytes_wherever_they_lie(root, tmp_path):
    bundle(root, tmp_path / "one")
    os.utime(min(root.glob("*/*/cell.json")), (0, 0))
    shutil.copytree(root, tmp_path / "elsewhere")
    bundle(tmp_path / "elsewhere", tmp_path / "other")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_it_holds_the_records_alone_and_a_second_pass_changes_nothing(file, root, tmp_path):
    done = extract([file], tmp_path / "back")
    runs = sorted(path.relative_to(root).as_posix() for path in root.glob("synthetic-32/*"))
    assert done.written == ("ablations/two", *runs)
    back = files(tmp_path / "back")
    assert {path.rpartition("/")[2] for path in back} == {*RECORDS, "plan.json"} - {"search.json"}
    kept = files(root)
    for path, content in back.items():
        assert content == kept[path] or path.endswith(("environment.json", "recipe.yaml"))
    bundle(tmp_path / "back", tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


def test_homes_and_passwords_are_left_out_and_recipes_stay(root, first, tmp_path):
    typed = ("cclcc train /home/ann/recipes/a.yaml --data /Users/bo/d --runs /root/r "
             "--seed=/cluster/home/a.b/s --out ./home/x "
             "--tracking-uri postgresql://me:geheim@host/db?password=geheim2")
    first.write_json("environment.json", {"command": typed})
    first.update_status(error="/home/ann: no room", host="node7")
    first.write_text("recipe.yaml", f"# {typed}\nname: tiny\nweights: /home/ann/w.pth\n")
    bundle(root, tmp_path / "b")
    with open_bundles([tmp_path / "b"]) as opened:
        back = RunFolder(opened.root / first.path.relative_to(root))
        told = ("cclcc train ~/recipes/a.yaml --data ~/d --runs ~/r --seed=~/s --out ./home/x "
                "--tracking-uri postgresql://***@host/db?password=***")
        assert json.loads((back.path / "environment.json").read_text()) == {"command": told}
        assert back.status.error == "~: no room"
        assert (back.path / "recipe.yaml").read_text() == (
            f"# {told}\nname: tiny\nweights: /home/ann/w.pth\n")


def test_what_is_not_finished_is_left_out_and_named(root, first, tmp_path):
    first.update_status(state="stopped")
    written = bundle(root, tmp_path / "b")
    assert written.notes == (f"left out: 1 stopped ({first.path.name})",)
    with open_bundles([tmp_path / "b"]) as opened:
        place = first.path.relative_to(root).as_posix()
        assert place not in opened.owners
        assert opened.notes == (f"{tmp_path / 'b'}: was made without 1 unfinished run: {place} "
                                "(stopped)",)
    with pytest.raises(BundleError, match="stopped, not finished; the same cclcc train"):
        select(root, names=[str(first.path)])
    shutil.rmtree(max(root.glob("synthetic-32/*")))
    with pytest.raises(BundleError, match="only 1 stopped"):
        select(root)


@pytest.mark.parametrize("name", ["cell.json", "result.json", "costs.json", "metrics.jsonl"])
def test_a_damaged_run_is_left_out_and_named_or_refused(root, first, tmp_path, name):
    (first.path / name).write_text('[]' if name == "metrics.jsonl" else "{")
    written = bundle(root, tmp_path / "b")
    assert written.notes == (f"left out: 1 damaged ({first.path.name})",)
    with pytest.raises(CclccError, match=f"{name}: .*cannot be read"):
        select(root, names=[str(first.path)])


def test_what_is_missing_in_one_bundle_and_held_by_another_is_no_note(root, first, file, tmp_path):
    first.update_status(state="stopped")
    bundle(root, tmp_path / "b")
    with open_bundles([tmp_path / "b", file]) as opened:
        assert opened.notes == ()


@pytest.mark.parametrize(
    ("options", "count"),
    [({"names": ["tiny"]}, 2), ({"names": ["supervised"]}, 2), ({"ablations": ["two"]}, 2),
     ({"names": ["{first}"]}, 1), ({"names": ["synthetic-32/{name}"]}, 1)],
)
def test_runs_are_chosen_by_folder_recipe_method_or_ablation(root, first, options, count):
    options = {key: [value.format(first=first.path, name=first.path.name) for value in values]
               for key, values in options.items()}
    chosen = select(root, **options)
    assert len(chosen.runs) == count
    assert chosen.ablations == tuple(options.get("ablations", ()))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"names": ["clcc"]}, "clcc: not a run folder, and no run below"),
     ({"ablations": ["three"]}, "--ablation three: no ablation of this name"),
     ({"searches": ["small"]}, "--search small: no search of this name")],
)
def test_what_is_not_there_is_said(root, options, message):
    with pytest.raises(CclccError, match=message):
        select(root, **options)


def test_a_run_of_another_runs_folder_is_refused(root, first, tmp_path):
    other = shutil.copytree(root, tmp_path / "other")
    with pytest.raises(BundleError, match="is not below"):
        select(root, names=[str(other / first.path.relative_to(root))])


def test_a_name_that_no_bundle_holds_is_refused(root, first, tmp_path):
    first.path.rename(first.path.with_name("a run"))
    with pytest.raises(BundleError, match="a run/ablation.json: a bundle cannot hold it: names"):
        bundle(root, tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_a_file_that_cannot_be_written_is_said(root, tmp_path):
    with pytest.raises(BundleError, match="b: there is no folder .*lost"):
        bundle(root, tmp_path / "lost" / "b")
    with pytest.raises(DiskError, match="cannot be written"):
        bundle(root, root)


# What somebody may do to a bundle


def members(path):
    with tarfile.open(path) as archive:
        return {info.name: archive.extractfile(info).read() for info in archive}


def pack(path, contents, change=lambda info: info, end=b""):
    """A bundle as we write it, of any content."""
    packed = io.BytesIO()
    with lzma.open(packed, "wb") as stream:
        for name, content in contents:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o644
            stream.write(change(info).tobuf(tarfile.USTAR_FORMAT) + content
                         + bytes(-len(content) % 512))
        stream.write(bytes(1024) + end)
    path.write_bytes(packed.getvalue())


def reseal(contents, edit):
    """The same with another manifest that has its right digest."""
    manifest = json.loads(contents["manifest.json"])
    edit(manifest)
    text = json.dumps(manifest).encode()
    return {**contents, "manifest.sha256": f"{hashlib.sha256(text).hexdigest()}\n".encode(),
            "manifest.json": text}


def refused(path):
    with pytest.raises(BundleError) as caught, open_bundles([path]):
        pass
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def test_packing_anew_what_nobody_changed_is_taken(file, tmp_path):
    pack(tmp_path / "same", members(file).items())
    pack(tmp_path / "sealed", reseal(members(file), dict).items())
    for path in ("same", "sealed"):
        with open_bundles([tmp_path / path]) as opened:
            assert len(opened.owners) == 3


def test_a_changed_score_is_refused(file, tmp_path):
    contents = members(file)
    name = next(name for name in contents if name.endswith("test_images.csv"))
    changed = contents[name].replace(b"0.", b"1.", 1)
    assert len(changed) == len(contents[name])
    assert changed != contents[name]
    pack(tmp_path / "b", {**contents, name: changed}.items())
    assert f"{name} does not match the manifest" in refused(tmp_path / "b")


def test_added_removed_renamed_and_swapped_files_are_refused(file, tmp_path):
    contents = list(members(file).items())
    third, fourth = contents[3], contents[4]
    pack(tmp_path / "end", [*contents, ("synthetic-32/more/cell.json", b"{}")])
    assert "more than its manifest lists" in refused(tmp_path / "end")
    pack(tmp_path / "amid", [*contents[:3], ("x.txt", b""), *contents[3:]])
    pack(tmp_path / "less", [one for one in contents if one != third])
    pack(tmp_path / "name", [("other/run/cell.json", b) if a == third[0] else (a, b)
                             for a, b in contents])
    pack(tmp_path / "swap", [*contents[:3], fourth, third, *contents[5:]])
    for changed in ("amid", "less", "name", "swap"):
        assert f"{third[0]} is not where the manifest says" in refused(tmp_path / changed)
    pack(tmp_path / "last", contents[:-1])
    refused(tmp_path / "last")


def test_an_edited_manifest_is_refused_with_its_digest_or_without(file, tmp_path):
    contents = members(file)
    pack(tmp_path / "b", {**contents, "manifest.json": contents["manifest.json"].replace(
        b'"size"', b'"size" ', 1)}.items())
    assert "does not match the digest" in refused(tmp_path / "b")
    pack(tmp_path / "b", {**contents, "manifest.sha256": contents["manifest.sha256"][:-1] + b" "
                          }.items())
    assert "does not match the digest" in refused(tmp_path / "b")

    def lie(manifest):
        manifest["files"][0]["sha256"] = "0" * 64

    pack(tmp_path / "b", reseal(contents, lie).items())
    assert "does not match the manifest" in refused(tmp_path / "b")


@pytest.mark.parametrize(
    ("edit", "message"),
    [({"path": "../../evil/cell.json"}, "files.0.path"), ({"path": "/etc/x/cell.json"}, "0.path"),
     ({"path": "a/../cell.json"}, "files.0.path"), ({"path": "a/b/c/cell.json"}, "files.0.path"),
     ({"path": "a/b\\c/cell.json"}, "files.0.path"), ({"path": "a/.b/cell.json"}, "files.0.path"),
     ({"path": "a/b/cell.json\n"}, "files.0.path"), ({"size": 2**40}, "files.0.size"),
     ({"size": -1}, "files.0.size"), ({"path": "zz/b/cell.json"}, "not sorted"),
     ({"sha256": "x"}, "files.0.sha256"), ({"mode": 0o777}, "files.0.mode"),
     ({"\x1b[31m\n": 0}, r"files.0.\x1b[31m\n = 0: extra")],
)
def test_a_manifest_that_leads_elsewhere_or_claims_too_much_is_refused(
    file, tmp_path, edit, message
):
    pack(tmp_path / "b", reseal(
        members(file), lambda manifest: manifest["files"][0].update(edit)).items())
    assert message in refused(tmp_path / "b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "runs", "study.tar.xz"]


def test_all_files_together_have_a_limit(file, tmp_path):
    def enlarge(manifest):
        manifest["files"] = [{**manifest["files"][0], "size": 2**26, "path": f"a/b/{n:04d}"}
                             for n in range(17)]

    pack(tmp_path / "b", reseal(members(file), enlarge).items())
    assert "bytes together; the limit is" in refused(tmp_path / "b")


@pytest.mark.parametrize("key", ["format", "version"])
def test_another_format_or_version_is_refused(file, tmp_path, key):
    pack(tmp_path / "b", reseal(
        members(file), lambda manifest: manifest.update({key: 2})).items())
    assert f"{key} = 2: input should be" in refused(tmp_path / "b")


def test_a_sound_file_that_we_do_not_write_is_refused(file, tmp_path):
    name = "synthetic-32/a/sitecustomize.py"
    entry = {"path": name, "size": 1, "sha256": hashlib.sha256(b"1").hexdigest()}

    def add(manifest):
        manifest["files"] = sorted([*manifest["files"], entry], key=lambda one: one["path"])

    contents = {**reseal(members(file), add), name: b"1"}
    order = ["manifest.sha256", "manifest.json", *sorted(set(contents) - {
        "manifest.sha256", "manifest.json"})]
    pack(tmp_path / "b", [(one, contents[one]) for one in order])
    assert f"{name} is not a file that cclcc bundle" in refused(tmp_path / "b")


@pytest.mark.parametrize(
    "changes", [{"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, {"type": tarfile.LNKTYPE},
                {"type": tarfile.CHRTYPE}, {"mode": 0o4755}, {"size": 2**33 - 1}, {"uid": 5}],
)
def test_links_devices_modes_and_sizes_beside_the_manifest_are_refused(file, tmp_path, changes):
    def change(info):
        if info.name.endswith("result.json"):
            for key, value in changes.items():
                setattr(info, key, value)
        return info

    pack(tmp_path / "b", members(file).items(), change)
    assert "or is not a plain file" in refused(tmp_path / "b")


def test_what_hides_behind_the_end_is_refused(file, tmp_path):
    pack(tmp_path / "within", members(file).items(), end=b"x" * 512)
    assert "after its end" in refused(tmp_path / "within")
    (tmp_path / "behind").write_bytes(file.read_bytes() + b"x")
    assert "after its end" in refused(tmp_path / "behind")


def test_a_bomb_is_not_unpacked(file, tmp_path):
    pack(tmp_path / "b", members(file).items(), end=bytes(2**26))
    assert (tmp_path / "b").stat().st_size < 2**16
    assert "after its end" in refused(tmp_path / "b")
    pack(tmp_path / "m", {**members(file), "manifest.json": bytes(2**25 + 1)}.items())
    assert "it has no manifest" in refused(tmp_path / "m")


@pytest.mark.parametrize("share", [0, 0.01, 0.1, 0.5, 0.9, 0.99])
def test_a_part_of_a_file_is_refused(file, tmp_path, share):
    content = file.read_bytes()
    (tmp_path / "b").write_bytes(content[: int(share * len(content))])
    assert "is truncated; get it again" in refused(tmp_path / "b")
    (tmp_path / "b").write_bytes(content[:-1])
    assert "is truncated; get it again" in refused(tmp_path / "b")


@settings(max_examples=60, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_single_wrong_bit_is_refused(file, tmp_path, place, bit):
    content = bytearray(file.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    (tmp_path / "b").write_bytes(content)
    refused(tmp_path / "b")


def test_what_is_no_bundle_is_refused(tmp_path):
    assert refused(tmp_path / "nowhere") == f"{tmp_path / 'nowhere'}: no such bundle"
    assert "cannot be read (Is a directory)" in refused(tmp_path)
    (tmp_path / "text").write_text("stem,dice\n")
    assert "not a bundle that this version can read (not a .tar.xz" in refused(tmp_path / "text")
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("manifest.json", "{}")
    assert "not a bundle that this version can read (not a .tar.xz" in refused(tmp_path / "zip")
    with tarfile.open(tmp_path / "tar", "w:xz") as archive:
        archive.add(tmp_path / "text", "paper/table.csv")
    assert "does not begin like one" in refused(tmp_path / "tar")


# Several bundles, and extraction


def test_several_bundles_are_one_and_what_two_hold_counts_once(root, first, file, tmp_path):
    bundle(root, tmp_path / "one", names=[str(first.path)])
    with open_bundles([tmp_path / "one", file]) as opened:
        place = first.path.relative_to(root).as_posix()
        assert len(opened.owners) == 3
        assert opened.owners[place] == tmp_path / "one"
        assert opened.owners["ablations/two"] == file
        assert len(list(opened.root.glob("*/*/cell.json"))) == 2
    assert not opened.root.exists()


def test_two_bundles_with_other_records_of_one_run_are_refused(root, first, file, tmp_path):
    first.update_status(test_reads=2)
    bundle(root, tmp_path / "other")
    place = first.path.relative_to(root).as_posix()
    with (pytest.raises(BundleError, match=f"hold different records of {place}; leave one of"),
          open_bundles([file, tmp_path / "other"])):
        pass


def test_the_private_folder_goes_when_somebody_interrupts(file):
    with suppress(KeyboardInterrupt), open_bundles([file]) as opened:
        assert opened.root.stat().st_mode & 0o77 == 0o55
        assert opened.root.parent.stat().st_mode & 0o77 == 0
        raise KeyboardInterrupt
    assert not opened.root.parent.exists()


def test_what_is_there_stays_and_what_differs_stops_everything(root, first, file, tmp_path):
    target = tmp_path / "target"
    extract([file], target)
    before = files(target)
    again = extract([file], target)
    assert (again.written, len(again.there)) == ((), 3)
    assert files(target) == before
    RunFolder(target / first.path.relative_to(root)).update_status(test_reads=7)
    shutil.rmtree(target / "ablations")
    with pytest.raises(BundleError, match=f"records of synthetic-32/{first.path.name} differ"):
        extract([file], target)
    assert not (target / "ablations").exists()


def test_the_folder_that_was_bundled_counts_as_the_same(root, file):
    before = files(root)
    assert extract([file], root).written == ()
    assert files(root) == before


def test_a_bad_bundle_among_good_ones_writes_nothing(file, tmp_path):
    (tmp_path / "bad").write_bytes(file.read_bytes()[:-5])
    with pytest.raises(BundleError, match="is truncated"):
        extract([file, tmp_path / "bad"], tmp_path / "target")
    assert files(tmp_path / "target") == {}


def test_what_a_killed_extraction_left_is_no_run_and_goes(file, tmp_path):
    left = tmp_path / "target" / ".unbundled" / "runs" / "synthetic-32" / "half"
    left.mkdir(parents=True)
    (left / "cell.json").write_text("{")
    assert list((tmp_path / "target").glob("*/*/cell.json")) == []
    extract([file], tmp_path / "target")
    assert not (tmp_path / "target" / ".unbundled").exists()


def test_a_disk_that_refuses_is_one_line_and_the_next_call_completes(file, tmp_path, monkeypatch):
    real, moved = os.rename, []

    def fail(self, target):
        if len(moved) == 1 and "target" in str(target):
            raise OSError(28, "No space left on device")
        if ".unbundled" in str(self) and ".unbundled" not in str(target):
            moved.append(target)
        real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.rename", fail)
        with pytest.raises(DiskError, match="the disk is full"):
            extract([file], tmp_path / "target")
    done = extract([file], tmp_path / "target")
    assert (len(done.there), len(done.written)) == (1, 2)
