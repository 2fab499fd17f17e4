"""What each method adds to the supervised loss: a clause for a methods section, with its constants.

A clause is a template over ``c``, the recipe's section of the method. It is empty where the
method's weights are 0, for then the supervised loss alone is minimised. ``template.py`` says which
functions clauses can call.
"""

from collections.abc import Mapping

_TEACHER = (
    "the teacher was a moving average of the weights (decay {{ number(c.teacher_decay) }}), and "
    "the {{ c.predictor }} was validated and kept")
_NOISE = (
    "{% if c.noise %}Gaussian noise (standard deviation {{ number(c.noise) }}, at most "
    "{{ number(c.noise_limit) }}){% else %}no noise{% endif %}")
_RISEN = "{{ risen(c.consistency_weight, c.ramp_up) }}"
_INFO_NCE = (
    "InfoNCE with temperature {{ number(c.temperature) }}, {{ c.normalization.upper() }}-"
    "normalised embeddings of a projector of {{ listed(c.projector_widths) }} channels")
_STRONG_STATISTICS = (
    "batch statistics of strong views were "
    "{{ batch_statistics(c.strong_statistics, 'weak views') }}")
_CONFIDENT = (
    "where the confidence in the weak view exceeded {{ number(c.threshold) }}"
    "{% if c.cutmix %}; with probability {{ number(c.cutmix) }} a strong view received a box of "
    f"another{{% endif %}}; {_STRONG_STATISTICS}")


def _view_contrast(level: str) -> str:
    """Of methods that hold a weak and a strong view against each other."""
    return (
        "{% if c.contrast_weight %}on all images a contrast between the weak and the strong view "
        f"was added, of {level} ({{{{ risen(c.contrast_weight, c.ramp_up) }}}}): {_INFO_NCE}, and "
        "negatives from {{ {'keys': 'the strong view', 'queries': 'the weak view', "
        "'both': 'both views'}[c.negatives] }}{% if c.symmetric %}, both ways{% endif %}; "
        f"{_STRONG_STATISTICS}{{% endif %}}")


CLAUSES: Mapping[str, str] = {
    "supervised": "",
    "clcc": (
        "{% set contrast %}{% if c.contrast_weight %}a cross-level contrast (weight "
        "{{ number(c.contrast_weight) }}) between the {{ square(c.grid) }} cells of the whole image"
        "{% if c.contrast_on == 'encoder' %} of the encoder's last map{% endif %} and the patches "
        f"in their places ({_INFO_NCE}{{% if c.projector_strides %}} and strides of "
        "{{ listed(c.projector_strides) }}{% endif %}, and "
        "{{ {'patch': 'the other patches', 'image': \"the whole image's other cells\", 'both': "
        "\"the other patches and the whole image's other cells\"}[c.negatives] }} as negatives"
        "{% if c.symmetric %}, both ways{% endif %}){% endif %}{% endset %}"
        "{% set consistency %}{% if c.consistency_weight %}a cross-level consistency (weight "
        "{{ number(c.consistency_weight) }}), the mean squared difference between the "
        "probabilities of the patches and those {% if c.target_ema_decay is none %}of the whole "
        "image"
        "{% else %}for the whole image of a moving average of the weights (decay "
        "{{ number(c.target_ema_decay) }}){% endif %}, which are the target"
        "{% if c.consistency_threshold is not none %} at pixels where its confidence exceeds "
        "{{ number(c.consistency_threshold) }}{% endif %}{% endif %}{% endset %}"
        "{% if contrast or consistency %}"
        "{{ 'each image' if c.patch_view is none else 'the strong view of each image' }} was cut "
        "into {{ square(c.grid) }} patches, and the supervised loss was joined by "
        "{{ some([contrast, consistency]) }}"
        "{% if c.terms.kind == 'two_stage' %}; the contrast was used in "
        "{{ first_part(c.terms.contrast) }} of the budget alone, the consistency in the rest "
        "alone"
        "{% else %}{% if c.terms.start %}; they were added after {{ first_part(c.terms.start) }} "
        "of "
        "the budget{% endif %}{% if c.terms.ramp_up %}; weights rose as exp(-5 (1 - t)^2) over "
        "{{ first_part(c.terms.ramp_up, 'next' if c.terms.start else 'first') }} of the budget"
        "{% endif %}{% endif %}; batch statistics of patches were "
        "{{ batch_statistics(c.patch_statistics, 'whole images') }}{% endif %}"),
    "mean_teacher": (
        "{% if c.consistency_weight %}on unlabelled images the mean squared difference to the "
        f"probabilities of a teacher ({_RISEN}) was added, whose input bore {_NOISE}; {_TEACHER}"
        "{% endif %}"),
    "uamt": (
        "{% if c.consistency_weight %}on unlabelled images the mean squared difference to the "
        f"probabilities of a teacher ({_RISEN}) was added, over pixels where the entropy of the "
        "mean of {{ c.num_passes }} noisy passes lay below a threshold that rose from "
        "{{ number(c.threshold_start) }} ln 2 to ln 2; the teacher's input bore "
        f"{_NOISE}; {_TEACHER}{{% endif %}}"),
    "cps": (
        "{% if c.cross_weight %}two networks that started differently were trained side by side, "
        "each with the supervised loss and, on "
        "{{ 'unlabelled images' if c.images == 'unlabeled' else 'all images' }}, with the "
        "cross-entropy to the other's hard labels ({{ risen(c.cross_weight, c.ramp_up) }}); the "
        "first of them was kept{% endif %}"),
    "entropy": (
        "{% if c.entropy_weight %}the mean entropy of predictions on unlabelled images, as a share "
        "of ln 2 ({{ risen(c.entropy_weight, c.ramp_up) }}), was added{% endif %}"),
    "fixmatch": (
        "{% if c.pseudo_weight %}on unlabelled images the cross-entropy of the strong view to the "
        "hard labels of the weak view ({{ risen(c.pseudo_weight, c.ramp_up) }}) was added, "
        f"{_CONFIDENT}{{% endif %}}"),
    "unimatch": (
        "{% if c.pseudo_weight %}on unlabelled images the cross-entropy to the hard labels of the "
        "weak view ({{ risen(c.pseudo_weight, c.ramp_up) }}) was added, half of it over two strong "
        "views and half over the weak view with {{ three(100 * c.dropout) }} % of the channels "
        "after {{ 'the encoder' if c.dropout_at == 'encoder' else 'the last decoder map' }} "
        f"dropped, {_CONFIDENT}{{% endif %}}"),
    "urpc": (
        "{% if c.consistency_weight %}predictions were made at {{ c.num_scales }} scales (from "
        "{{ 'stages of the decoder' if c.scales == 'decoder' else "
        "'poolings of the last decoder map' }}"
        "{% if c.perturbed %}, coarser features being perturbed{% endif %}), the supervised loss "
        "was their mean{% if c.coarse_weight != 1 %} (coarser scales weighing "
        "{{ number(c.coarse_weight) }} each, the finest 1){% endif %}, and on unlabelled images "
        "the "
        f"uncertainty-rectified difference of each scale to their mean ({_RISEN}) was added"
        "{% endif %}"),
    "ict": (
        "{% if c.consistency_weight %}on mixtures of two unlabelled images the mean squared "
        f"difference to the same mixture of a teacher's probabilities ({_RISEN}) was added, shares "
        "being drawn from Beta({{ number(c.mix_alpha) }}, {{ number(c.mix_alpha) }}); "
        f"{_TEACHER}{{% endif %}}"),
    "bcp": (
        "{% if c.unlabeled_weight %}the supervised loss was taken on mixed images alone: "
        "{% if c.pretraining %}in {{ first_part(c.pretraining) }} of the budget labelled images "
        "were pasted into each other, then labelled and unlabelled ones both ways{% else "
        "%}labelled "
        "and unlabelled images were pasted into each other both ways{% endif %}, the box having "
        "{{ three(c.box) }} of the image's side; unlabelled pixels (weight "
        "{{ number(c.unlabeled_weight) }}) had a teacher's mask as their truth"
        "{% if c.largest_component %}, of which only the largest region was kept{% endif %}; "
        f"{_TEACHER}{{% endif %}}"),
    "image_contrast": _view_contrast(
        "an image (the mean of its {{ square(c.grid) }} cells) against the others of the batch"),
    "patch_contrast": _view_contrast(
        "the {{ square(c.grid) }} cells of an image against its other cells"),
    "point_contrast": _view_contrast("{{ c.num_points }} pixels of an image against one another"),
}
