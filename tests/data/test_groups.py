"""Groups of images that stay together: from a person's list, and from pairs of the same thing."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cclcc_cli.data.groups import (
    frames_note,
    given_groups,
    groups_by_name,
    join_groups,
    read_groups,
)
from cclcc_cli.errors import DataError

STEMS = ("a", "b", "c", "d")

ALL = ("a", "b", "c", "d", "e", "f", "a'", "a''", "1", "0a")
names = st.sampled_from(ALL)
groupings = st.dictionaries(names, names, max_size=6)
some_pairs = st.lists(st.tuples(names, names), max_size=8)


def read(path: Path, content: str | bytes) -> dict[str, str]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_groups(path, STEMS, {".jpg"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "groups.csv"


class TestList:
    """A CSV file with the columns stem and group."""

    @pytest.mark.parametrize(
        "content",
        [
            "stem,group\na,patient 1\nb,patient 1\nc,2\n",
            "stem,group\na.jpg,patient 1\nb.JPG,patient 1\nc,2\n",
            "\ufeffstem,group\r\na,patient 1\r\nb,patient 1\r\nc,2\r\n",
            'age,group,stem\n70,"patient 1",a\n\n71, patient 1 , b \n,2,c',
        ],
        ids=["plain", "file names", "from a Windows editor",
             "other columns, quotes, spaces, a blank line"],
    )
    def test_it_says_which_images_belong_together(self, path: Path, content: str) -> None:
        assert read(path, content) == {"a": "patient 1", "b": "patient 1", "c": "2"}

    @pytest.mark.parametrize(
        "content", ["stem;group\na;1,5\n", "stem\tgroup\na\t1,5\n", 'Stem, GROUP \na ,"1,5"\n',
                    "\ufeffage;stem ; group\n7;a; 1,5\n"])
    def test_columns_are_told_apart_however_they_are_written(
        self, path: Path, content: str
    ) -> None:
        assert read(path, content) == {"a": "1,5"}

    def test_it_may_name_no_image(self, path: Path) -> None:
        assert read(path, "stem,group\n") == {}

    @pytest.mark.parametrize(
        "content", ["", "a,1\nb,2\n", "stem group\na 1\n", "stem,patient\na,1\n", "group\n1\n"])
    def test_a_file_without_the_two_columns_is_refused(self, path: Path, content: str) -> None:
        with pytest.raises(DataError) as caught:
            read(path, content)
        assert str(caught.value) == (
            f"{path}: needs a first line with the columns stem and group")

    @pytest.mark.parametrize("content", [b"stem,group\n\xe4,1\n", b'stem,group\n"a"b,1\n',
                                         b'stem,group\n"a,1\n'])
    def test_a_file_that_is_no_csv_in_utf8_is_refused(self, path: Path, content: bytes) -> None:
        with pytest.raises(DataError) as caught:
            read(path, content)
        assert str(caught.value) == (
            f"{path}: is not a CSV file in UTF-8; give lines of stem,group")

    def test_a_file_that_is_not_there_is_refused(self, path: Path) -> None:
        with pytest.raises(DataError) as caught:
            read_groups(path, STEMS, {".jpg"})
        assert str(caught.value) == f"{path}: cannot be read (No such file or directory)"

    def test_all_bad_lines_are_listed_at_once_by_their_number_in_the_file(
        self, path: Path
    ) -> None:
        with pytest.raises(DataError) as caught:
            read(path, "stem,group\na,1\n\nzz,1\na,2\nb,\nc\n,3\nd,4\n")
        assert str(caught.value).split("\n") == [
            f"{path}: 5 problems, nothing was written",
            "  line 4: zz has no image",
            "  line 5: a stands there twice",
            "  line 6: b has no group",
            "  line 7: c has no group",
            "  line 8: an empty stem has no image",
        ]


class TestJoining:
    """Given groups, and whatever pairs of images that show the same thing tie together."""

    def test_without_either_every_image_is_alone_under_its_own_name(self) -> None:
        assert join_groups("abc", {}, []) == {"a": "a", "b": "b", "c": "c"}

    def test_given_groups_stay_as_they_are_and_the_rest_is_alone(self) -> None:
        assert join_groups("abcd", {"b": "x", "d": "x"}, []) == {
            "a": "a", "b": "x", "c": "c", "d": "x"}

    def test_pairs_chain_into_one_group_named_after_its_first_image(self) -> None:
        assert join_groups("abcde", {}, [("d", "c"), ("e", "d"), ("b", "a")]) == {
            "a": "a", "b": "a", "c": "c", "d": "c", "e": "c"}

    def test_a_pair_draws_an_image_into_a_given_group(self) -> None:
        assert join_groups("abc", {"c": "x"}, [("a", "c")]) == {"a": "x", "b": "b", "c": "x"}

    def test_a_pair_across_two_given_groups_makes_them_one_under_the_first_name(self) -> None:
        given = {"a": "y", "b": "y", "c": "x", "d": "x"}
        assert join_groups("abcd", given, [("b", "c")]) == dict.fromkeys("abcd", "x")

    def test_a_lone_image_is_no_part_of_a_group_that_bears_its_name(self) -> None:
        """Frames ``1``, ``2``, ... and videos ``1``, ``2``, ... are common."""
        assert join_groups("123", {"2": "1", "3": "1"}, []) == {"1": "1'", "2": "1", "3": "1"}
        assert join_groups(["1", "1'", "2"], {"2": "1"}, []) == {"1": "1''", "1'": "1'", "2": "1"}

    @given(groupings, some_pairs)
    def test_two_images_are_together_if_and_only_if_links_lead_from_one_to_the_other(
        self, given_groups: dict[str, str], pairs: list[tuple[str, str]]
    ) -> None:
        joined = join_groups(ALL, given_groups, pairs)
        assert joined.keys() == set(ALL)
        for stem in ALL:
            reached = {stem}
            while True:
                videos = {given_groups[found] for found in reached if found in given_groups}
                more = {s for s, video in given_groups.items() if video in videos}
                more |= {s for pair in pairs if reached & {*pair} for s in pair}
                if more <= reached:
                    break
                reached |= more
            assert {other for other in ALL if joined[other] == joined[stem]} == reached

    @given(groupings, some_pairs, st.randoms(use_true_random=False))
    def test_the_order_of_images_and_pairs_changes_nothing(
        self, given_groups: dict[str, str], pairs: list[tuple[str, str]], random: Random
    ) -> None:
        turned = [pair[::-1] if random.random() < 0.5 else pair for pair in pairs]
        stems, links = random.sample(ALL, len(ALL)), random.sample(turned, len(turned))
        assert join_groups(stems, given_groups, links) == join_groups(ALL, given_groups, pairs)


class TestWhatWasGiven:
    """Patients and videos are told from images that merely show the same thing."""

    def test_what_the_audit_alone_ties_together_was_not_given(self) -> None:
        pairs = [("a", "b"), ("c", "d")]
        assert given_groups(join_groups("abcde", {}, pairs), pairs) is None

    def test_given_groups_come_as_the_store_has_them(self) -> None:
        pairs = [("a", "b")]
        held = join_groups("abcd", {"c": "x", "d": "x"}, pairs)
        assert given_groups(held, pairs) == {"a": "a", "b": "a", "c": "x", "d": "x"}

    def test_also_where_a_patient_bears_the_name_of_an_image(self) -> None:
        held = join_groups("abc", {"a": "a", "b": "a"}, [])
        assert given_groups(held, []) == {"a": "a", "b": "a", "c": "c"}


class TestNames:
    """Groups that names suggest."""

    def test_what_stands_before_the_last_number_is_the_group(self) -> None:
        stems = ["video3_0017", "video3_0018b", "P03_12", "case 7 (1)", "img12", "12-3", "45", "x"]
        assert groups_by_name(stems) == {
            "video3_0017": "video3", "video3_0018b": "video3", "P03_12": "P03",
            "case 7 (1)": "case 7", "img12": "img", "12-3": "12"}

    def test_pairs_of_close_numbers_are_called_frames_and_groups_proposed(self) -> None:
        stems = [f"v{video}_{frame:03d}" for video in range(4) for frame in range(5)]
        pairs = [("v0_001", "v0_002"), ("v1_000", "v1_004"), ("v3_002", "v3_003")]
        note = frames_note(stems, pairs)
        assert note is not None
        assert note.startswith("3 of 3 pairs that show the same have numbers in their names that")
        assert note.endswith("--group-names would make 4 groups, such as v0 and v1")

    def test_without_a_name_before_the_number_a_list_is_asked_for(self) -> None:
        pairs = [(str(frame), str(frame + 1)) for frame in range(3)]
        note = frames_note([str(frame) for frame in range(9)], pairs)
        assert note is not None
        assert note.endswith("name them with --groups CSV")

    @pytest.mark.parametrize(
        "pairs",
        [[], [("v0_001", "v0_002")] * 2, [("v0_001", "v1_002")] * 5, [("v0_000", "v0_009")] * 5,
         [("v0_001", "v0_002")] * 3 + [("a", "b")] * 4])
    def test_other_pairs_are_called_nothing(self, pairs: list[tuple[str, str]]) -> None:
        assert frames_note(["v0_001", "v1_002"], pairs) is None
