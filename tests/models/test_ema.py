"""The teacher: the closed form of its average, its BatchNorm, and that it leaves no trace."""

import pytest
import torch

from cclcc_cli.models.ema import EmaTeacher, forward_only
from cclcc_cli.models.unet import UNet


@pytest.fixture
def student():
    torch.manual_seed(0)
    return UNet((4, 8, 8, 8, 8)).train()


def move(student, step):
    generator = torch.Generator().manual_seed(step)
    with torch.no_grad():
        for p in student.parameters():
            p.add_(torch.randn(p.shape, generator=generator))


@pytest.mark.parametrize("decay", [0.0, 0.9, 0.99])
def test_weights_equal_the_closed_form(student, decay):
    """t_n = sum over i of s_i (1 - d_i) times the product of all later d, s_0 being the start."""
    teacher = EmaTeacher(student, decay)
    history = [student.head.weight.detach().double().clone()]
    for step in range(20):
        move(student, step)
        teacher.follow(student)
        history.append(student.head.weight.detach().double().clone())
    decays = [min(1 - 1 / (n + 1), decay) for n in range(1, 21)]
    expected = history[0] * torch.tensor(decays).double().prod()
    for i in range(1, 21):
        later = torch.tensor(decays[i:], dtype=torch.float64).prod()
        expected = expected + history[i] * (1 - decays[i - 1]) * later
    assert torch.allclose(teacher.network.head.weight.double(), expected, atol=1e-5)


def test_at_first_it_is_the_plain_mean(student):
    teacher, start = EmaTeacher(student, 0.99), student.head.weight.detach().clone()
    move(student, 0)
    teacher.follow(student)
    mean = (start + student.head.weight) / 2
    assert torch.allclose(teacher.network.head.weight, mean, atol=1e-6)


def test_running_statistics_are_averaged_like_weights_and_counters_copied(student):
    teacher = EmaTeacher(student, 0.99)
    norm, mine = student.encoder[0][1], teacher.network.encoder[0][1]
    before = mine.running_mean.clone()
    student(torch.randn(2, 3, 32, 32) + 3)
    teacher.follow(student)
    assert torch.allclose(mine.running_mean, (before + norm.running_mean) / 2, atol=1e-6)
    assert mine.num_batches_tracked == norm.num_batches_tracked == 1


def test_a_teacher_normalises_by_the_batch_and_changes_nothing(student):
    teacher, images = EmaTeacher(student, 0.99), torch.randn(2, 3, 32, 32)
    before = {k: v.clone() for k, v in teacher.network.state_dict().items()}
    logits = teacher(images)
    assert all(torch.equal(v, before[k]) for k, v in teacher.network.state_dict().items())
    assert not torch.equal(logits, teacher.network.eval()(images))
    with torch.no_grad():
        assert torch.allclose(logits, teacher.network.train()(images), atol=1e-6)


def test_what_passes_forward_only_has_no_graph_but_can_be_learned_from(student):
    target = forward_only(student, torch.randn(2, 3, 32, 32))
    assert not target.requires_grad
    assert not target.is_inference()
    logits = torch.zeros_like(target, requires_grad=True)
    torch.nn.functional.mse_loss(logits, target).backward()
    assert logits.grad.abs().sum() > 0


def test_a_forward_pass_alone_leaves_running_statistics_alone(student):
    before = student.encoder[0][1].running_mean.clone()
    forward_only(student, torch.randn(2, 3, 32, 32) + 3)
    assert torch.equal(student.encoder[0][1].running_mean, before)


def test_a_checkpoint_keeps_how_far_the_average_is(student):
    teacher, other = EmaTeacher(student, 0.99), EmaTeacher(student, 0.99)
    for step in range(3):
        move(student, step)
        teacher.follow(student)
    other.load_state_dict(teacher.state_dict())
    for each in (teacher, other):
        each.follow(student)
    assert torch.equal(teacher.network.head.weight, other.network.head.weight)
