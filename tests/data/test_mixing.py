"""CutMix, copy-paste and mixing: boxes within bounds, pixels from where they should be."""

import pytest
import torch

from cclcc_cli.data.mixing import draw_cutmix_boxes, draw_paste_box, mix_halves, paste_neighbor


def sides(box):
    rows, columns = box.any(dim=1), box.any(dim=0)
    assert box[rows][:, columns].all()  # a full rectangle
    return int(rows.sum()), int(columns.sum())


def test_cutmix_boxes_are_rectangles_of_the_stated_area():
    torch.manual_seed(0)
    boxes = draw_cutmix_boxes(200, (64, 48), 1.0)
    assert boxes.shape == (200, 1, 64, 48)
    areas = []
    for box in boxes[:, 0]:
        height, width = sides(box)
        areas.append(height * width / (64 * 48))
    assert 0.005 < min(areas) < 0.05
    assert 0.3 < max(areas) < 0.43


@pytest.mark.parametrize(("probability", "least", "most"), [(0.0, 0, 0), (0.5, 70, 130)])
def test_how_often_there_is_a_box(probability, least, most):
    torch.manual_seed(0)
    boxes = draw_cutmix_boxes(200, (16, 16), probability)
    assert least <= int(boxes.flatten(1).any(dim=1).sum()) <= most


def test_the_paste_box_has_its_share_of_each_side_anywhere():
    torch.manual_seed(0)
    boxes = [draw_paste_box((30, 60), 2 / 3)[0, 0] for _ in range(200)]
    assert {sides(box) for box in boxes} == {(20, 40)}
    tops = {int(box.any(dim=1).float().argmax()) for box in boxes}
    assert tops == set(range(11))


def test_a_neighbour_is_pasted_inside_the_box_only():
    maps = torch.arange(3.0).reshape(3, 1, 1, 1).expand(3, 2, 4, 4)
    boxes = torch.zeros(3, 1, 4, 4, dtype=torch.bool)
    boxes[1, :, :2] = True
    pasted = paste_neighbor(maps, boxes)
    assert (pasted[0] == 0).all()
    assert (pasted[2] == 2).all()
    assert (pasted[1, :, :2] == 0).all()
    assert (pasted[1, :, 2:] == 1).all()


def test_halves_are_mixed_by_their_shares():
    maps = torch.tensor([0.0, 10.0, 4.0, 20.0, 99.0]).reshape(5, 1, 1, 1)
    shares = torch.tensor([0.25, 1.0]).reshape(2, 1, 1, 1)
    assert mix_halves(maps, shares).flatten().tolist() == [1.0, 20.0]


def test_draws_follow_the_global_random_state():
    state = torch.get_rng_state()
    first = draw_cutmix_boxes(4, (16, 16), 0.5)
    torch.set_rng_state(state)
    assert torch.equal(first, draw_cutmix_boxes(4, (16, 16), 0.5))
