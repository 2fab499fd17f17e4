"""The contract suite once more, on pretrained encoders' architecture: BatchNorm throughout."""

import pytest

from tests.methods import arms, test_contract

pytest.importorskip("timm")
pytestmark = pytest.mark.more

OTHER_NETWORKS = ("test_a_network_of_monai_works_with_every_method",
                  "test_a_residual_encoder_works_with_every_method",
                  "test_thirty_steps_on_one_batch_lower_the_loss",  # slow, and of the method
                  "test_as_the_weights_go_to_0_it_becomes_supervised",
                  "test_one_pass_for_both_streams_does_not")

globals().update({name: test for name, test in vars(test_contract).items()
                  if name.startswith("test_") and name not in OTHER_NETWORKS})


@pytest.fixture(autouse=True)
def _on_timm(monkeypatch):
    def build(arm, **keys):
        if arm == "ict":
            pytest.skip("mixes two images of 32 pixels to one, of which BatchNorm cannot learn: "
                        "Cell.check_data refuses that; the law of continuity has larger ones")
        return arms.build(arm, **{"model": arms.TIMM, **keys})

    monkeypatch.setattr(test_contract, "build", build)


@pytest.mark.parametrize("arm", arms.ARMS)
@pytest.mark.parametrize("encoder", ["test_resnet", "test_convnext"])
def test_other_families_work_with_every_method(arm, encoder):
    """ConvNeXt has no BatchNorm, gives four maps, and takes multiples of 32 only."""
    side = 64 if arm == "ict" or ("clcc" in arm and encoder == "test_convnext") else arms.SIZE
    method = arms.build(arm, model=arms.TIMM | {"encoder": encoder},
                        data={"name": "d", "size": side, "labeled": 2})
    method.loss(arms.make_batch(arm, side=side), arms_moment()).total.backward()
    assert all(p.grad is not None for p in method.student.parameters())


def arms_moment():
    return test_contract.Moment(29, 30)
