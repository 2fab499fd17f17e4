"""Public data sets known by name: where they come from, what must arrive, how they are laid out.

Nothing here reads or downloads: ``fetch`` brings the files, ``archive`` opens them, ``prepare``
makes the store. Sizes and checksums are those of the authors' servers where they are known; where
they are not, what arrives first is recorded and later copies must equal it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Split = Literal["train", "val", "test"]


@dataclass(frozen=True)
class RemoteFile:
    """One file on somebody's server.

    Attributes:
        name: of the file on disk.
        urls: addresses, tried in this order.
        num_bytes: exact size, None where it is not known.
        sha256: hex, None where it is not known.
        md5: hex, for files of which only that is public.
        about_bytes: rough size to tell a user, where the exact one is not known.
    """

    name: str
    urls: tuple[str, ...]
    num_bytes: int | None = None
    sha256: str | None = None
    md5: str | None = None
    about_bytes: int | None = None


@dataclass(frozen=True)
class Part:
    """Where the images and masks of one official split lie.

    Attributes:
        split: its name, None where the data set has no official split.
        image: regular expression, searched in ``/`` + the path inside archive or folder; the
            group ``stem`` is the image's name. Upper and lower case are the same.
        mask: likewise; the mask of the image with the same stem.
        count: pairs there must be.
    """

    split: Split | None
    image: str
    mask: str
    count: int


@dataclass(frozen=True)
class CatalogEntry:
    """A public data set.

    Attributes:
        name: as typed after ``cclcc prepare``.
        shows: what is in the images, in a few words.
        parts: its layout; together all pairs.
        files: what to download; empty where it cannot be downloaded without a person.
        by_hand: how a person gets it, where ``files`` is empty.
        license: as publicly stated; where statements differ, all of them.
        license_url: where to read it.
        citation: what a paper should cite.
        groups: stem to group, for images that must not be parted, such as frames of one video.
        split_note: about the official split.
    """

    name: str
    shows: str
    parts: tuple[Part, ...]
    license: str
    license_url: str
    citation: str
    files: tuple[RemoteFile, ...] = ()
    by_hand: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)
    split_note: str = ""

    @property
    def num_pairs(self) -> int:
        return sum(part.count for part in self.parts)

    @property
    def download_bytes(self) -> int | None:
        """Of all files together, roughly where it must be; None where nothing is known."""
        sizes = [file.num_bytes or file.about_bytes for file in self.files]
        return sum(size or 0 for size in sizes) if any(sizes) else None


def find_entry(name: str) -> CatalogEntry | None:
    """The entry of that name, if the catalogue has one."""
    return CATALOG.get(name)


def _isic_file(year: int, name: str, num_bytes: int | None = None, sha256: str | None = None,
               md5: str | None = None, about_bytes: int | None = None) -> RemoteFile:
    """A file of an ISIC challenge; the older bucket is the second address."""
    urls = (f"https://isic-archive.s3.amazonaws.com/challenges/{year}/{name}",
            f"https://isic-challenge-data.s3.amazonaws.com/{year}/{name}")
    return RemoteFile(name, urls, num_bytes, sha256, md5, about_bytes)


def _isic_part(split: Split, images: str, masks: str, count: int) -> Part:
    return Part(split, rf"/{re.escape(images)}/(?P<stem>ISIC_\d+)\.jpg$",
                rf"/{re.escape(masks)}/(?P<stem>ISIC_\d+)_segmentation\.png$", count)


_ISIC_LICENSE = ("CC-0 on the challenge's data page, CC BY-NC 4.0 in other places; "
                 "read it and judge for yourself")
_ISIC_LICENSE_URL = "https://challenge.isic-archive.com/data/"

_KVASIR = CatalogEntry(
    name="kvasir-seg",
    shows="colonoscopy, polyps",
    parts=(
        Part(None, r"/images/(?P<stem>[^/]+)\.jpe?g$", r"/masks/(?P<stem>[^/]+)\.jpe?g$", 1000),
    ),
    license="research and education; commercial use only by permission of the authors",
    license_url="https://datasets.simula.no/kvasir-seg/",
    citation="Jha et al., Kvasir-SEG: A Segmented Polyp Dataset, MMM 2020",
    files=(
        RemoteFile(
            "kvasir-seg.zip", ("https://datasets.simula.no/downloads/kvasir-seg.zip",), 46227172,
            "03b30e21d584e04facf49397a2576738fd626815771afbbf788f74a7153478f7",
        ),
    ),
    split_note="none in the archive; give published lists with --splits",
)

_ISIC_2018 = CatalogEntry(
    name="isic2018",
    shows="dermoscopy, skin lesions (challenge task 1)",
    parts=(
        _isic_part("train", "ISIC2018_Task1-2_Training_Input",
                   "ISIC2018_Task1_Training_GroundTruth", 2594),
        _isic_part("val", "ISIC2018_Task1-2_Validation_Input",
                   "ISIC2018_Task1_Validation_GroundTruth", 100),
        _isic_part("test", "ISIC2018_Task1-2_Test_Input", "ISIC2018_Task1_Test_GroundTruth", 1000),
    ),
    license=_ISIC_LICENSE,
    license_url=_ISIC_LICENSE_URL,
    citation="Codella et al., Skin Lesion Analysis Toward Melanoma Detection 2018, "
             "arXiv:1902.03368; Tschandl et al., The HAM10000 dataset, Scientific Data 2018",
    files=(
        _isic_file(2018, "ISIC2018_Task1-2_Training_Input.zip", 11165358566,
                   "80f98572347a2d7a376227fa9eb2e4f7459d317cb619865b8b9910c81446675f"),
        _isic_file(2018, "ISIC2018_Task1_Training_GroundTruth.zip", 27402895,
                   "99f8b2bb3c4d6af483362010715f7e7d5d122d9f6c02cac0e0d15bef77c7604c"),
        _isic_file(2018, "ISIC2018_Task1-2_Validation_Input.zip", 239231159,
                   "0ea920fcfe512d12a6e620b50b50233c059f67b10146e1479c82be58ff15a797"),
        _isic_file(2018, "ISIC2018_Task1_Validation_GroundTruth.zip", 759706,
                   "f6911e9c0a64e6d687dd3ca466ca927dd5e82145cb2163b7a1e5b37d7a716285"),
        _isic_file(2018, "ISIC2018_Task1-2_Test_Input.zip", 2370457338,
                   "e59ae1f69f4ed16f09db2cb1d76c2a828487b63d28f6ab85997f5616869b127d"),
        _isic_file(2018, "ISIC2018_Task1_Test_GroundTruth.zip", 9680101,
                   "2e8f6edce454a5bdee52485e39f92bd6eddf357e81f39018d05512175238ef82"),
    ),
    split_note="the challenge's own train, val and test",
)

_ISIC_2017 = CatalogEntry(
    name="isic2017",
    shows="dermoscopy, skin lesions (challenge part 1)",
    parts=(
        _isic_part("train", "ISIC-2017_Training_Data", "ISIC-2017_Training_Part1_GroundTruth",
                   2000),
        _isic_part("val", "ISIC-2017_Validation_Data", "ISIC-2017_Validation_Part1_GroundTruth",
                   150),
        _isic_part("test", "ISIC-2017_Test_v2_Data", "ISIC-2017_Test_v2_Part1_GroundTruth", 600),
    ),
    license=_ISIC_LICENSE,
    license_url=_ISIC_LICENSE_URL,
    citation="Codella et al., Skin Lesion Analysis Toward Melanoma Detection, ISBI 2018, "
             "arXiv:1710.05006",
    files=(
        _isic_file(2017, "ISIC-2017_Training_Data.zip",
                   md5="a14a7e622c67a358797ae59abb8a0b0c", about_bytes=5_800_000_000),
        _isic_file(2017, "ISIC-2017_Training_Part1_GroundTruth.zip",
                   md5="77fdbeb6fbec4139937224416b250f4c", about_bytes=9_000_000),
        _isic_file(2017, "ISIC-2017_Validation_Data.zip",
                   md5="8d6419d942112f709894c0d82f6c9038", about_bytes=870_000_000),
        _isic_file(2017, "ISIC-2017_Validation_Part1_GroundTruth.zip",
                   md5="64d3e68fa2deeb8a5e89aa8dec2efd44", about_bytes=1_000_000),
        _isic_file(2017, "ISIC-2017_Test_v2_Data.zip",
                   md5="5f6a0b5e1f2972bd1f5ea02680489f09", about_bytes=5_400_000_000),
        _isic_file(2017, "ISIC-2017_Test_v2_Part1_GroundTruth.zip",
                   md5="b1742de6bd257faca3b2b21a4aa3b781", about_bytes=5_000_000),
    ),
    split_note="the challenge's own train, val and test",
)

_ISIC_2016 = CatalogEntry(
    name="isic2016",
    shows="dermoscopy, skin lesions (challenge part 1)",
    parts=(
        _isic_part("train", "ISBI2016_ISIC_Part1_Training_Data",
                   "ISBI2016_ISIC_Part1_Training_GroundTruth", 900),
        _isic_part("test", "ISBI2016_ISIC_Part1_Test_Data", "ISBI2016_ISIC_Part1_Test_GroundTruth",
                   379),
    ),
    license=_ISIC_LICENSE,
    license_url=_ISIC_LICENSE_URL,
    citation="Gutman et al., Skin Lesion Analysis toward Melanoma Detection, arXiv:1605.01397",
    files=tuple(
        _isic_file(2016, f"ISBI2016_ISIC_Part1_{name}.zip", about_bytes=size)
        for name, size in (
            ("Training_Data", 580_000_000), ("Training_GroundTruth", 3_000_000),
            ("Test_Data", 230_000_000), ("Test_GroundTruth", 1_000_000),
        )
    ),
    split_note="the challenge's own train and test; validation is cut from train",
)

_CVC_LAST_FRAMES = (25, 50, 67, 78, 103, 126, 151, 177, 199, 205, 227, 252, 277, 297, 317, 342,
                    363, 383, 408, 428, 447, 466, 478, 503, 528, 546, 571, 591, 612)
"""The last frame of each of the 29 video sequences, in order; each begins where one ends."""


def _cvc_groups() -> dict[str, str]:
    groups: dict[str, str] = {}
    first = 1
    for number, last in enumerate(_CVC_LAST_FRAMES, start=1):
        groups |= {str(frame): f"sequence_{number:02d}" for frame in range(first, last + 1)}
        first = last + 1
    return groups


_CVC = CatalogEntry(
    name="cvc-clinicdb",
    shows="colonoscopy, polyps, frames of 29 videos",
    parts=(
        Part(None, r"/Original/(?P<stem>\d+)\.(tiff?|png)$",
             r"/Ground[ _]?Truth/(?P<stem>\d+)\.(tiff?|png)$", 612),
    ),
    license="research use, with citation; other use by permission of the authors",
    license_url="https://polyp.grand-challenge.org/CVCClinicDB/",
    citation="Bernal et al., WM-DOVA maps for accurate polyp highlighting in colonoscopy, "
             "Computerized Medical Imaging and Graphics 2015",
    by_hand="a RAR file behind a link on https://polyp.grand-challenge.org/CVCClinicDB/; unpack it "
            "and give the folder with 'Original' and 'Ground Truth'",
    groups=_cvc_groups(),
    split_note="none; the frames of a video stay together",
)

_PH2 = CatalogEntry(
    name="ph2",
    shows="dermoscopy, skin lesions",
    parts=(
        Part(None, r"/(?P<stem>IMD\d+)_Dermoscopic_Image/(?P=stem)\.bmp$",
             r"/(?P<stem>IMD\d+)_lesion/(?P=stem)_lesion\.bmp$", 200),
    ),
    license="research and education",
    license_url="https://www.fc.up.pt/addi/ph2%20database.html",
    citation="Mendonça et al., PH2: A dermoscopic image database for research and benchmarking, "
             "EMBC 2013",
    by_hand="asked for on https://www.fc.up.pt/addi/ph2%20database.html; unpack it and give the "
            "folder with 'PH2 Dataset images'",
    split_note="none",
)

CATALOG: Mapping[str, CatalogEntry] = {
    entry.name: entry for entry in (_KVASIR, _ISIC_2018, _ISIC_2017, _ISIC_2016, _CVC, _PH2)
}
"""Every public data set known here; ``synthetic`` is drawn and needs no entry."""
